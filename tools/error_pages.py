"""Writes docs/errors.md: every code that lakepact can report, its meaning and what to do.

    python tools/error_pages.py           # writes the page
    python tools/error_pages.py --check   # exit code 1 where the page, or this table, is not up to date

The codes are found in the source, as text constants; a code that is missing here, or is here and nowhere else, ends it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from lakepact.contract.problems import MEANINGS
from lakepact.lint.catalogue import CHECKS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "lakepact"
PAGE = ROOT / "docs" / "errors.md"

_CODE = re.compile(r"LP\d{3}")

CHAPTERS = {
    "LP1": "Contracts",
    "LP2": "Rules and policies",
    "LP3": "Plans and targets",
    "LP4": "Project file and command line",
    "LP5": "Pipelines on this machine",
    "LP6": "This machine",
    "LP7": "Lint, upgrade, comparison and history",
    "LP8": "Conversion, authoring and the store",
    "LP9": "Anything else",
}

INTRODUCTION = """\
# Errors

<!-- Written by tools/error_pages.py. -->

Every message has a code that stays the same from release to release, says where the fault is (file:line:column in a
document), and often what to do (`hint:`). Problems in documents are collected: one run shows all of them.

The exit code of `lakepact` is 0 when all went well, 1 when data breaks a contract, a dataset failed or a check was not
met, 2 when the call is wrong, 3 when a file, the project or the machine is not ready, 4 when another system failed, and
130 after Ctrl-C. A stack trace is printed only when `LAKEPACT_DEBUG` is set.
"""

# What to do about a fault in a contract; what it means is said in the source.
CONTRACT_REMEDIES = {
    "LP100": "Mend what is listed under it.",
    "LP101": "Check the path and its permissions.",
    "LP102": "Split the contract, or remove what is not contract.",
    "LP103": "Save the file as UTF-8.",
    "LP104": "Mend the YAML at that line.",
    "LP105": "Write a contract, or take the file out of `contracts`.",
    "LP106": "Give each contract a file of its own.",
    "LP107": "Start with `apiVersion:` and `kind:`.",
    "LP108": "Remove one of the two.",
    "LP109": "Flatten the document.",
    "LP110": "Split the contract; write out what aliases repeat.",
    "LP111": "Write the element out instead of the alias.",
    "LP112": "Remove the tag.",
    "LP113": "Use text as key.",
    "LP114": "Write a finite number.",
    "LP115": "Merge a mapping, or write the keys out.",
    "LP120": "Write `kind: DataContract`.",
    "LP121": "Use v3.0.0 to v3.2.0.",
    "LP122": "Convert it to version 3 of the standard.",
    "LP130": "Add the key.",
    "LP131": "Correct the spelling, or move it to `customProperties`.",
    "LP132": "Write a value of the type that the message names.",
    "LP133": "Put it in quotes.",
    "LP134": "Use one of the values that the message names.",
    "LP135": "Stay inside of the bounds that the message names.",
    "LP136": "Write it in the form that the message names.",
    "LP137": "Remove the repetition.",
    "LP138": "Keep one operator, for example `mustBe`.",
    "LP139": "Give `to` on a property, `from` and `to` on an object.",
    "LP140": "Remove the option, or change `logicalType`.",
    "LP141": "Set `apiVersion` to that version, or write it as this version does.",
    "LP142": "Give it a value, or remove the key.",
    "LP150": "Use `rows` or `percent`.",
    "LP160": "Set the variable, or write `${NAME:-default}`.",
    "LP170": "Write major.minor.patch, such as 1.2.0.",
    "LP171": "Write something like `>=1.0,<2`.",
    "LP180": "Nothing, if the field may be lost on the way.",
    "LP181": "Mend what the official model names.",
    "LP182": "Give text, a finite number, true, false, null, a list or a mapping.",
    "LP190": "Edit that element by hand.",
}

OTHERS = {
    "LP201": (
        "A physical type belongs to no known dialect.",
        "Correct `physicalType`; the logical type is used so far.",
    ),
    "LP202": ("A property has no type.", "Give it a `logicalType`; it is read as STRING so far."),
    "LP203": ("Physical type and declared parts have different shapes.", "Correct one of them; the parts win so far."),
    "LP204": ("An array, map or vector says nothing of its elements.", "Declare `items`."),
    "LP205": ("An option, an enum or a key cannot become a rule.", "Read the reason; the clause is not enforced."),
    "LP206": (
        "A quality rule cannot be enforced as it is written.",
        "Correct its metric, operator, arguments or query.",
    ),
    "LP207": ("A relationship cannot be checked.", "Let `to` name a property of an object of the contract."),
    "LP208": ("A service level cannot be checked.", "Give it a value, a unit and an element that exists."),
    "LP209": ("An action was lowered to one that is possible there.", "Choose another action for this rule."),
    "LP210": ("A policy file is not valid.", "Mend what is listed under it."),
    "LP211": (
        "The contract asks for a handling of violations that there is not.",
        "Correct the word; the default of each rule holds so far.",
    ),
    "LP301": (
        "A source is for an object that the contract lacks, or rules are those of another contract.",
        "Correct the name.",
    ),
    "LP302": ("`rename` names a property that the object lacks.", "Correct the name."),
    "LP303": ("A source has no path, format or table name.", "Complete it."),
    "LP304": ("Two datasets would have the same name.", "Give one of the objects another `physicalName`."),
    "LP305": ("`clusterBy` names a column that is not there.", "Correct the name."),
    "LP306": ("An object is both partitioned and clustered.", "Keep one of the two."),
    "LP307": ("A rule reads an object that the contract lacks.", "Correct the name in the rule."),
    "LP308": (
        "An object of the contract has no source, so nothing of it is checked.",
        "Name its source under `objects`.",
    ),
    "LP309": (
        "Rows of a stream cannot be held back for a key.",
        "Pass the object's name in `streaming` when you compile.",
    ),
    "LP310": ("An object has no columns, or one with a reserved name.", "Rename what starts with `_lakepact`."),
    "LP311": ("A rule reads an object that this pipeline does not make.", "Add it, or have its table ready."),
    "LP312": ("The source of an object is not written correctly.", "Give exactly one of path, table and sql."),
    "LP313": ("A name holds `${...}`, which Spark replaces.", "Switch variable substitution off, or rename it."),
    "LP314": (
        "A rule for Soda or Great Expectations is none that the engine can be given.",
        "Read the reason, and write the check in a form that is known.",
    ),
    "LP400": ("There is no project here, or its file cannot be read.", "Go to the project, or `lakepact init`."),
    "LP401": ("The project file is not YAML, not UTF-8 or too large.", "Mend it at that line."),
    "LP402": ("The project file has an unknown key.", "Correct the spelling."),
    "LP403": ("A value of the project file has the wrong form.", "Write what the message names."),
    "LP404": ("Something is missing in the project file, or excludes another key.", "Add or remove the key."),
    "LP405": ("The project names a file that is not there, or that has the wrong kind.", "Correct the path."),
    "LP406": ("The project names a contract, object or property that does not exist.", "Correct the name."),
    "LP407": ("No version of the contract fits the pipeline.", "Change `version`, or add the contract."),
    "LP408": ("Two entries mean the same thing.", "Remove one of them."),
    "LP409": ("A variable has no value in an environment.", "Add it to `variables` there."),
    "LP410": ("The project file has problems; they are listed under it.", "Mend them."),
    "LP411": ("The project has no environment or pipeline of that name.", "Correct the name."),
    "LP412": ("The pipeline has no contract to plan.", "Name its contract, or run its sources as they are."),
    "LP420": ("A path on the command line is not what is needed there.", "Correct the path."),
    "LP421": ("`--full-refresh` has an empty list.", "Leave the list out to refresh all."),
    "LP422": ("A file cannot be written, or read again.", "Check permissions and free space."),
    "LP423": ("That cannot be the name of a project.", "Use letters, digits, `_`, `-` and `.`."),
    "LP424": ("The folder for a new project is taken.", "Choose another, or use `--force`."),
    "LP425": ("A file that lakepact did not write is in the way.", "Move it, or use `--force`."),
    "LP426": ("No contract here has a schema object of that name.", "Correct the name."),
    "LP427": ("With `--strict`: clauses that nothing can enforce.", "Change or remove them, or leave `--strict` out."),
    "LP429": ("A command lacks an address, or a place on this machine.", "Give the option that the hint names."),
    "LP413": ("A Databricks workspace does not answer, or refuses who asks.", "Log in again, or check the address."),
    "LP428": ("The system refuses something.", "Do as it says; a full disk and a missing permission end here."),
    "LP430": ("Spark cannot read the data of a check.", "See that it is whole, of the format, and named right."),
    "LP520": ("A pipeline source calls the API wrongly.", "Correct the call at that line."),
    "LP521": ("The API has this call, this machine does not.", "Keep it in a source that only Databricks runs."),
    "LP522": ("A dataset has two expectations of one name.", "Rename one of them."),
    "LP523": ("Two datasets, flows or sinks have the same name.", "Rename one of them."),
    "LP530": ("That is not the name of a dataset.", "Write table, schema.table or catalog.schema.table."),
    "LP531": ("Another run of this pipeline has not ended.", "Wait for it, or end it."),
    "LP532": ("The datasets and flows do not make a pipeline.", "Mend what is listed under it."),
    "LP533": ("No dataset of that name can be refreshed.", "Choose one that the message lists."),
    "LP534": ("The environment is not one of this machine.", "Choose one with `storage` and `catalog: spark_catalog`."),
    "LP535": ("A source reads a path where nothing is.", "Create the data, or correct `path`."),
    "LP536": ("A pipeline source is neither Python nor SQL.", "Name files that end in .py or .sql."),
    "LP537": (
        "The storage, or the event log in it, cannot be written.",
        "Free or unlock it, or name another `storage`.",
    ),
    "LP538": ("Tables that a run had emptied could not be put back yet.", "Remove the cause and run again."),
    "LP539": (
        "A pipeline or a dataset failed; the reason is said.",
        "Remove the reason; published data stayed as it was.",
    ),
    "LP540": ("A Python source cannot be parsed.", "Correct it at that line."),
    "LP541": ("A Python source raised an error.", "Correct it at that line."),
    "LP542": ("Several sources have faults; they are listed under it.", "Mend them."),
    "LP543": (
        "A source cannot be read, or does not have what the contract says.",
        "Use `rename`, or correct one of them.",
    ),
    "LP544": ("A rule that somebody wrote is not SQL that Spark can run.", "Correct it at that line of the contract."),
    "LP545": ("A SQL source is not pipeline SQL, or `schema=` is not a list of columns.", "Correct it at that place."),
    "LP546": ("Databricks knows this SQL, this machine does not.", "Do as the hint says."),
    "LP550": ("There are no files to take a schema from.", "Give a schema, or put files there."),
    "LP551": (
        "This machine cannot honour an option of Auto Loader.",
        "Leave it out, or use a value that the hint names.",
    ),
    "LP552": ("An option of Auto Loader is missing or wrong.", "Correct it."),
    "LP560": ("An AUTO CDC flow cannot be as it is written.", "Do as the hint says."),
    "LP561": ("An AUTO CDC flow needs the names of its columns.", "List them (COLUMNS in SQL)."),
    "LP562": ("A change has no sequence.", "Filter such rows out, or order by a column without NULL."),
    "LP570": (
        "A value does not fit its type, and the rule's action is `fail`.",
        "Mend the row, or choose another action.",
    ),
    "LP970": (
        "Files that are checked by DuckDB are not there, or cannot be read.",
        "Correct the path or the pattern; see that the files are whole.",
    ),
    "LP971": (
        "Only Spark's reader understands the files as it does.",
        "Let Spark check them: `--engine native`.",
    ),
    "LP972": (
        "duckdb or sqlglot is not installed; for tables in memory pyarrow.",
        "`pip install 'lakepact[duckdb]' pyarrow`",
    ),
    "LP601": ("There is no Java 17 or later.", "Install it, or set JAVA_HOME."),
    "LP602": ("pyspark or delta-spark is not installed.", "`pip install 'lakepact[local]'`"),
    "LP603": ("databricks-connect takes the place of pyspark.", "Use an environment for each."),
    "LP604": ("The Delta jars are not here and cannot be fetched.", "Go online once, or set `LAKEPACT_JARS`."),
    "LP605": ("Spark did not start.", "`lakepact doctor` shows what is lacking."),
    "LP606": ("This process already runs Spark with other settings.", "Close that session, or use another process."),
    "LP607": ("No Spark session is active.", "Open a local one, or configure Databricks Connect."),
    "LP608": ("Local Spark cannot use a schema of that name.", "Use A-Z, a-z, 0-9 and `_`."),
    "LP609": ("The Java process of Spark ended in the middle of a run.", "Run again; see that memory suffices."),
    "LP610": ("Pipelines do not run on the installed pyspark.", "`pip install 'lakepact[local]'`"),
    "LP701": ("An upgrade writes something in another way.", "Nothing; the meaning is the same."),
    "LP702": (
        "A version has no place for something.",
        "Nothing, where a custom property keeps it; else read the reason.",
    ),
    "LP703": ("A document would not be valid in its new version.", "Mend that place by hand."),
    "LP704": ("The standard deprecates a key.", "Plan to do without it; it is kept so far."),
    "LP710": ("A new version would not come after the one that is there.", "Name a higher one with `--to`."),
    "LP711": ("A document has no version.", "Give the contract a `version`."),
    "LP770": ("A file of waivers has errors; they are listed under it.", "Mend what is listed under it."),
    "LP771": (
        "An entry of a file of waivers is no waiver.",
        "Give it `contract`, `path`, `reason`, `author` and `expires`.",
    ),
    "LP772": ("A waiver has no reason or no author.", "Say why, and who asks for it."),
    "LP773": ("A waiver has expired.", "Mend what it waives and remove it, or renew it."),
    "LP774": ("The expiry of a waiver is no date.", "Write YYYY-MM-DD."),
    "LP775": (
        "The version of a contract is lower than its changes ask for.",
        "Set the version that the message names, or waive changes with `--waivers`.",
    ),
    "LP776": ("Two options ask for different output.", "Keep one of the two."),
    "LP800": ("A source cannot be converted; the reasons are listed under it.", "Mend what is listed under it."),
    "LP801": ("A source lacks something that a contract needs.", "Add it to the source."),
    "LP802": ("The converted contract would not be valid.", "Correct that value in the source."),
    "LP803": ("A value of the source has no place in ODCS and is left out.", "Write it elsewhere if it is needed."),
    "LP804": ("A value of the source has another type than its format says, and is left out.", "Correct it."),
    "LP805": ("A type has no logical type in ODCS.", "Add the `logicalType` to the contract."),
    "LP806": ("A source is of an older layout than its format has now.", "See that the contract says what was meant."),
    "LP807": ("A source leaves out what the contract needs to say.", "See that the contract says what is meant."),
    "LP808": ("What a source does with bad data is not what an action of lakepact does.", "Set `lakepact.action`."),
    "LP809": ("Checks name columns of which no type is known.", "Give each a `logicalType`."),
    "LP810": ("No format of that name is converted.", "Choose one that `lakepact convert --list-formats` prints."),
    "LP811": ("The format of a file is not recognised.", "Name it with `--from`."),
    "LP812": ("A file to convert is an ODCS contract already.", "`lakepact upgrade` writes another version."),
    "LP813": ("`lakepact convert` is called with too little, or with what excludes each other.", "Name one source."),
    "LP814": (
        "A file that belongs to the one that is converted is not there.",
        "Correct the path, or put the file beside.",
    ),
    "LP820": ("A source is not of the format that it was taken for, or refers to itself.", "Correct it at that place."),
    "LP821": ("Something of a source has no place in a contract.", "Write it elsewhere if it is needed."),
    "LP822": ("Something of a source is kept in words that only its origin understands.", "See that it is enough."),
    "LP823": ("A type has no equal, or is not said.", "Give the property a `logicalType`."),
    "LP824": ("A source does not say which columns there are.", "Import the table, and add the rules to it."),
    "LP825": ("Text in a list of values may be a value or a column.", "Put it in quotes of its own if it is a value."),
    "LP826": ("There is no such table, or that is not the name of one.", "Write catalog.schema.table, or a path."),
    "LP827": ("databricks-sdk is not installed.", "`pip install 'lakepact[databricks]'`"),
    "LP828": ("A workspace does not give what it is asked for.", "Check the name and what is granted."),
    "LP829": ("No workspace is configured.", "Set `DATABRICKS_HOST` and credentials, or a profile."),
    "LP840": ("The file for a new contract or a schema is taken, or is a folder.", "Choose another, or use `--force`."),
    "LP841": ("Answers for a new contract are missing, and there is no terminal.", "Give the flags that are named."),
    "LP842": ("An answer for a new contract cannot be taken.", "Do as the message says."),
    "LP843": ("That is no version of the standard.", "Use v3.0.0 to v3.2.0."),
    "LP844": ("A contract is to go into a store, and nobody knows who you are.", "Name yourself with `--actor`."),
    "LP850": ("A store has no such contract, or no version that fits.", "`lakepact store list` shows what there is."),
    "LP851": (
        "A store holds something else than the writer has seen, or others keep writing.",
        "Get it again, and decide anew.",
    ),
    "LP852": ("A version cannot take that step of its life.", "Take a step that the hint names."),
    "LP853": (
        "A version in a store is taken, published, would go back, or is too low for what changed.",
        "Give the contract a higher version, or waive changes with `--waivers`.",
    ),
    "LP854": (
        "Events or documents of a store are damaged, or of a later version.",
        "Put them back from a backup; other contracts are served.",
    ),
    "LP855": (
        "A store is given what it cannot keep: no actor, no reason, no document, a time without zone.",
        "Do as the message says.",
    ),
    "LP856": ("A folder is no store, or cannot be used.", "`lakepact store init` makes one; check its permissions."),
    "LP857": ("That is no address of a store.", "Write for example `file:FOLDER`."),
    "LP858": (
        "`lakepact store` is called with too little, or with what excludes each other.",
        "Do as the message says.",
    ),
    "LP859": ("Two stores contradict each other after a sync.", "Decide in one of them, then sync again."),
    "LP860": ("A Git store is not there, or a work tree is in its way.", "Do as the hint says."),
    "LP861": ("Git fails on a store, or its remote refuses.", "Remove what it says, and try again."),
    "LP862": ("A library for object storage is not installed.", "`pip install 'lakepact[objects]'`, or what it names."),
    "LP863": (
        "An object storage is no store, or lets one writer overwrite another.",
        "`lakepact store init` makes one; use a storage that can refuse to overwrite.",
    ),
    "LP864": ("An object storage fails.", "Check the address, the credentials, what they may do, and the network."),
    "LP865": ("A Delta store cannot be used.", "Check the path, permissions and storage options."),
    "LP866": ("A table is not one of a contract store.", "Name the folder that the store was made in."),
    "LP867": ("A newer lakepact made the tables of a store.", "Upgrade lakepact."),
    "LP868": ("deltalake is not installed.", "`pip install 'lakepact[delta]'`"),
    "LP869": ("A Delta store cannot hold or do something.", "Do as the hint says."),
    "LP870": ("A service of contracts does not answer, or not as one.", "Check the address, and whether it runs."),
    "LP871": ("A service of contracts refuses the token.", "Use a valid token with the scope that is needed."),
    "LP872": ("A request to a service of contracts is not as it should be.", "Do as the hint says."),
    "LP873": ("A request to a service of contracts is too large.", "Split the contract."),
    "LP874": ("A service of contracts, or its address, is not set up right.", "Do as the hint says."),
    "LP880": (
        "A draft is asked of something that is no schema of a data frame.",
        "Give what `df.schema.json()` writes.",
    ),
    "LP881": (
        "It is not clear which contract a draft is of.",
        "Name the id of the new one, or the contract that changes.",
    ),
    "LP882": ("The data has two columns of one name.", "Rename one; capitals make no difference."),
    "LP883": ("Nothing can be drafted from a file.", "Do as the hint says."),
    "LP884": ("Files need a library that is not installed.", "Install the extra that the hint names."),
    "LP885": (
        "There are no files to draft from, or their form is not known.",
        "Name files of one form, or say which it is.",
    ),
    "LP886": (
        "A schema of a registry is none, has an unknown type, or contains itself.",
        "Correct it at the place; give the schemas that it refers to.",
    ),
    "LP887": ("A file does not hold results of rules.", "Give rows of `rule_results` as JSON."),
    "LP888": ("A draft is asked for in a way that cannot be.", "Do as the hint says."),
    "LP890": ("A read or write does not say which table or object is meant.", "Do as the hint says."),
    "LP891": ("A read or write is asked for in a way that cannot be.", "Do as the hint says."),
    "LP892": (
        "The columns of data are not those of the contract.",
        "Change the data, or propose a new version with `on_mismatch='draft'`.",
    ),
    "LP893": (
        "Data breaks rules of its contract.",
        "Correct the data, or let `on_violation='quarantine'` set rows aside.",
    ),
    "LP894": (
        "A contract has a status that is not allowed here.",
        "Use a validated version, or allow more by `statuses`.",
    ),
    "LP895": (
        "The last change of a table was not a write under the contract.",
        "Read with `on_violation='raise'`, which evaluates the rules.",
    ),
    "LP896": (
        "A table cannot take the rows of a contract.",
        "Name a Delta table, or change the types that are listed.",
    ),
    "LP897": ("Other rows were written than were judged.", "Write with `pin=True`, or restore the version before."),
    "LP898": ("A merge has no key that is unique.", "Give `keys`, or make them the primary key of the contract."),
    "LP875": (
        "Spark or a SQL warehouse fails at a statement of a contract store, or does not answer in time.",
        "Do as the message and the hint say; look before you write again.",
    ),
    "LP876": (
        "A workspace refuses: the token, a permission, the SQL warehouse, or there is no login.",
        "Log in again, or ask for the permission.",
    ),
    "LP877": (
        "An address, a grant or a tag of a store in a catalog is not one, or the place has none.",
        "Do as the hint says.",
    ),
    "LP878": ("A document is too large for a statement on a SQL warehouse.", "Split the contract, or use `spark:`."),
    "LP879": ("databricks-sdk is not installed.", "`pip install 'lakepact[databricks]'`"),
    "LP780": ("A reference or a command needs Git, which is not here.", "Install Git, or put it on PATH."),
    "LP781": ("The folder is not in a Git repository.", "Name a file, or go to a folder of the repository."),
    "LP782": (
        "Git knows no such revision, or the text names none.",
        "Correct it; fetch the whole history where the clone is shallow.",
    ),
    "LP783": (
        "There is no contract or file of that name, on disk or in the revision.",
        "Check the name. In `git:REV:PATH` the path starts at the root of the repository.",
    ),
    "LP784": ("The document is larger than the limit.", "Split the contract."),
    "LP785": ("Git fails or refuses.", "Do what its words say."),
    "LP786": ("The pattern of a layout is not one.", "Write for example `{domain}/v{major}.{minor}/{object}.yaml`."),
    "LP787": (
        "A contract is not where the layout wants it, or two files hold the same version.",
        "Move it, or correct what the layout is made of; give one of the two another version.",
    ),
    "LP788": (
        "A published version was changed, or removed without having been retired.",
        "Raise `version`; publish `status: retired` before a removal, or waive it.",
    ),
    "LP789": (
        "The version does not cover what changed.",
        "Raise `version` to what the message asks for, undo the change, or waive it.",
    ),
    "LP900": ("Something that nobody foresaw.", "Set `LAKEPACT_DEBUG=1`, and report what it shows."),
    "LP901": (
        "The settings for Collibra, or a secret that they name, cannot be used.",
        "Mend what the message names; docs/collibra.md lists all settings.",
    ),
    "LP902": (
        "Collibra does not answer, or says that it cannot now.",
        "Try again later. Reads go on from the cache, drafts and outcomes wait for `lakepact collibra sync`.",
    ),
    "LP903": (
        "Collibra does not let lakepact in.",
        "Check the client id, the secret or the token; a 401 can also mean that the user may not see the resource.",
    ),
    "LP904": (
        "Collibra does not permit what was asked for.",
        'Give the user "Product Rights > Data Contract" and the right to change the port and the contract.',
    ),
    "LP905": ("Collibra does not have what was asked for.", "Check ids in the settings and in the mapping file."),
    "LP906": ("Collibra refuses a request.", "The message holds what Collibra says about it."),
    "LP907": (
        "The answer is none that Collibra gives, or is too large.",
        "Check the address: a gateway or a login page may answer in its place.",
    ),
    "LP908": (
        "Several contracts or ports of Collibra could be meant.",
        "Say in the mapping file which it is, or remove what is there twice.",
    ),
    "LP909": (
        "A contract or a dataset has no port in Collibra.",
        "`lakepact collibra discover` writes a mapping to review; name it in the settings.",
    ),
    "LP910": (
        "Collibra has no status for one of lakepact's, or one name means two.",
        "Name a status of the tenant under `names` in the settings; `lakepact collibra check` shows them.",
    ),
    "LP911": (
        "The bytes of a version in Collibra are not those that were put, or reviewed, or they are not there.",
        "Put the change under a new version. What is missing is put again with the same bytes.",
    ),
    "LP912": ("Collibra keeps no id or version that is so long.", "Shorten it: 200 and 100 characters are the limits."),
    "LP913": (
        "Collibra has no validated version of the contract.",
        "Let a steward validate it; `lakepact collibra check` shows which statuses of the tenant mean that.",
    ),
    "LP914": ("The file is no mapping of contracts to ports.", "Mend what the message names, see docs/collibra.md."),
    "LP915": (
        "Collibra has no attribute type for an outcome.",
        "Let an administrator make it and assign it to the asset type, or name another under `attributes`.",
    ),
    "LP916": ("The text is no id of Collibra.", "Give the UUID that the address of its page shows."),
    "LP917": ("The port has the contract of another id.", "A port has one contract: map this one to another port."),
    "LP918": (
        "The ledger of the contract belongs to other users of Collibra.",
        "Add the user to `owners` in the settings of everybody who reads and writes contracts.",
    ),
    "LP919": ("The file holds no results of rules.", "Give a JSON list of rows of the table rule_results."),
    "LP930": ("A notice to the webhook is not what one is.", "Send what docs/webhook.md shows."),
    "LP931": (
        "The webhook is not set up right: a setting, or a secret that is missing or none.",
        "Do as the hint says; `lakepact webhook secret` makes a secret.",
    ),
    "LP932": (
        "Nothing proves that a request to the webhook comes from who may send it.",
        "Check the secret on both sides, the clocks, and that nothing changes the body on the way.",
    ),
    "LP933": ("There is no delivery of that id.", "`lakepact webhook events list` shows them."),
    "LP934": ("Somebody else has an event or an effect by now, or has it still.", "Leave it to them, or wait."),
    "LP935": ("The inbox cannot be used.", "Check the path, permissions and the storage."),
    "LP936": ("A table is no inbox, is damaged, or a newer lakepact made it.", "Do as the hint says."),
    "LP937": ("That is no address of an inbox, or nothing that it does.", "Write for example `delta:inbox`."),
    "LP938": ("The webhook cannot listen there.", "Choose another port."),
    "LP939": ("The webhook or its inbox needs a library that is not installed.", "Install the extra of the hint."),
    "LP940": ("An event, a claim or an effect is given in a way that cannot be.", "Do as the hint says."),
    "LP948": ("`lakepact webhook` is called with too little, or with what is none.", "Do as the hint says."),
    "LP949": ("A webhook does not answer, or refuses a notice.", "Check the address; docs/webhook.md says why."),
    "LP950": (
        "The settings of notifications cannot be read, or have the errors that are listed under it.",
        "Mend what is listed; docs/notifications.md says what may be written.",
    ),
    "LP951": (
        "The settings of notifications have an unknown key.",
        "Correct its spelling; the hint names similar ones.",
    ),
    "LP952": (
        "A value in the settings of notifications, or a time on the command line, is missing or not right.",
        "Write what the message or its hint says.",
    ),
    "LP953": (
        "A secret, or what looks like one, stands in the settings of notifications.",
        "Write where it is: `${env:NAME}`, `${file:PATH}` or `${secret:SCOPE/KEY}`.",
    ),
    "LP954": ("There is no channel or no mute of that name.", "Take one of those that the hint names."),
    "LP955": (
        "A secret of a channel is not there, or is none that the service could have given.",
        "Set it where the settings say; the message never shows it.",
    ),
    "LP956": ("A channel needs a library that is not installed.", "Install the extra that the hint names."),
    "LP957": ("A service refuses a notification.", "Mend what it says; then `lakepact notify send --again`."),
    "LP958": (
        "A service does not take notifications now.",
        "Nothing: they wait and are sent again, with longer and longer pauses.",
    ),
    "LP959": (
        "The folder in which notifications wait cannot be read or written.",
        "Check its path, permissions and space, and that its file system has locks.",
    ),
    "LP973": ("Soda Core 4 is not installed.", "Install the extra: `pip install 'lakepact[soda]'`."),
    "LP974": ("DuckDB is not installed, which reads files for quality engines.", "Install the extra of the engine."),
    "LP975": ("Great Expectations 1.x is not installed.", "Install the extra: `pip install 'lakepact[gx]'`."),
    "LP976": ("There is no quality engine of that name.", "Name one of those that the hint lists."),
    "LP977": ("A quality engine has no such setting.", "Correct the settings of the engine."),
    "LP978": ("A contract has several objects, or not the one that is named.", "Name one by `object_name`."),
    "LP979": (
        "What is to be checked is no data, or a table in memory that no Parquet file can hold.",
        "Do as the hint says: wrap it, or give each column values of one type.",
    ),
    "LP980": (
        "What a contract says of its quarantine cannot be used, or a variable of it has no value.",
        "Mend `lakepact.quarantine` in the contract, or give the variable.",
    ),
    "LP981": ("Somebody else has decided about a quarantined record meanwhile.", "Read the record again, and decide."),
    "LP982": (
        "A quarantined record cannot take that step of its life.",
        "Do as the hint says: records are reviewed, then approved or corrected, then replayed.",
    ),
    "LP983": (
        "The data of a quarantined record is purged, gone, or its time is over.",
        "Take the data from its source again.",
    ),
    "LP984": ("No quarantined record or quarantine has that name, or several have.", "Correct the id or the address."),
    "LP985": ("Values of a quarantined row do not fit its columns.", "Correct what the message lists."),
    "LP986": (
        "A place of quarantined data cannot be used, or a library for it is not installed.",
        "Check the path, permissions and the storage; install what the hint names.",
    ),
    "LP987": (
        "Rows that a pipeline set aside cannot be purged here, or not without others.",
        "Do as the hint says: remove them at their source and refresh, or name all that were set aside together.",
    ),
    "LP988": ("A place of quarantined data is none, or is damaged.", "Name another one, or restore it from a backup."),
    "LP989": ("A decision or command about quarantined data says too little.", "Do as the hint says."),
    "LP990": (
        "There is no table of results at that place.",
        "Name the folder of `rule_results`, or of the schema that holds it, with --results or LAKEPACT_RESULTS.",
    ),
    "LP991": ("deltalake is not installed.", "pip install 'lakepact[delta]'"),
    "LP992": (
        "The tables of results cannot be read or written, or hold what is no result.",
        "Check the place, your rights there and the credentials; a newer lakepact may have written them.",
    ),
    "LP993": ("The moment or the time zone that service levels are asked for is none.", "Do as the hint says."),
    "LP994": ("Results are to be removed that are too young.", "Give two days or more."),
    "LP995": (
        "`lakepact results`, `sla` or `metrics` is called with too little, or with what is none.",
        "Do as the message or its hint says.",
    ),
    "LP996": ("Nothing can listen at that address for metrics.", "Choose another --port or --host."),
    "LP997": (
        "The library that metrics are handed out by is not installed.",
        "Install the extra that the hint names: `pip install 'lakepact[metrics]'` or `'lakepact[otlp]'`.",
    ),
    "LP998": (
        "Metrics cannot be pushed: the address is none, or the Pushgateway or collector does not answer or refuses.",
        "Check the address and the password or headers, or try again later.",
    ),
    "LP999": (
        "The file of metrics has a name that nobody reads, or cannot be written.",
        "Write to a folder, as .prom.",
    ),
    "LP899": ("The format of data is not clear.", "Give --format, or name the files themselves."),
    "LP960": (
        "The project cannot be a bundle: no environment on Databricks, another folder, or names that are one key.",
        "Do as the hint says.",
    ),
    "LP961": (
        "A file of a bundle is not there, or cannot be read as YAML.",
        "Correct it; `lakepact bundle generate` writes a databricks.yml.",
    ),
    "LP962": ("A file of a bundle has an unknown key.", "Correct its spelling; the hint names similar ones."),
    "LP963": ("A value in a bundle is missing or of a wrong kind.", "Write what the message says."),
    "LP964": (
        "Something in a bundle refers to what is not there: `${...}`, a key of a task, an entry point.",
        "Correct the name, or declare what it names.",
    ),
    "LP965": (
        "A file, folder or glob that a bundle names is not there.",
        "Correct the path: it starts from the folder of the YAML file. `lakepact generate` writes sources.",
    ),
    "LP966": ("Two resources of a bundle have one key.", "Rename one: keys are unique across all kinds."),
    "LP967": (
        "A bundle has no target, one without a mode, or two defaults.",
        "Give each target a mode, and one of them `default: true`.",
    ),
    "LP941": (
        "The state of `lakepact collibra watch` cannot be read, or is of another Collibra.",
        "Name another file with --state, or remove it: then all validated contracts are told of once more.",
    ),
    "LP942": ("Nobody can tell which contract an event is about.", "Send the id of the contract with the event."),
    "LP943": ("An update is not known to who runs pipelines here.", "Replay the event; the pipeline then runs again."),
    "LP944": ("The record of an update is damaged.", "Remove the file; the update then runs again."),
    "LP945": ("A pipeline is not in the workspace, may not be run, or has no end.", "Do as the hint says."),
    "LP946": ("The workspace cannot run a pipeline now.", "Nothing; it is tried again."),
    "LP947": ("databricks-sdk is not installed.", "pip install 'lakepact[databricks]'"),
}

CATALOGUE = {
    **{code.value: (meaning, CONTRACT_REMEDIES[code.value]) for code, meaning in MEANINGS.items()},
    **{code.value: (check.meaning, check.remedy) for code, check in CHECKS.items()},
    **OTHERS,
}


def codes_in_source(folder: Path = SOURCE) -> dict[str, set[str]]:
    """Every code in a text constant of the source that is no docstring, with the files that hold it."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        for text in _constants(ast.parse(file.read_text(encoding="utf-8"))):
            for code in _CODE.findall(text):
                found.setdefault(code, set()).add(file.relative_to(folder).as_posix())
    return found


def _constants(tree: ast.Module) -> Iterator[str]:
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.value


def page() -> str:
    """The text of docs/errors.md."""
    parts = [INTRODUCTION]
    for prefix, title in CHAPTERS.items():
        rows = [
            f"| {code} | {what} | {remedy} |"
            for code, (what, remedy) in sorted(CATALOGUE.items())
            if code[:3] == prefix
        ]
        parts.append("\n".join([f"## {title}", "", "| code | meaning | what to do |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def main() -> int:
    """Write or check the page."""
    raised = codes_in_source()
    wrong = [f"{code} is not in the table" for code in sorted(raised.keys() - CATALOGUE.keys())]
    wrong += [f"{code} is in the table and nowhere else" for code in sorted(CATALOGUE.keys() - raised.keys())]
    if "--check" in sys.argv[1:] and not wrong and PAGE.read_text(encoding="utf-8") != page():
        wrong = ["docs/errors.md is not what this writes"]
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong and "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
