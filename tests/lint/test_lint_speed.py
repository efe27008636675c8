"""What lint costs, as ratios and as generous limits; the benchmarks measure the rest."""

from __future__ import annotations

from pathlib import Path

from lint_documents import HEADER, properties

from lakepact.lint import lint
from speed import best_cpu_seconds, cpu_limit


def nested(levels: int, width: int) -> bytes:
    """Objects in objects; each level has `width` properties beside the next level."""
    lines: list[str] = []
    for level in range(levels):
        indent = "    " * level
        for index in range(width):
            lines += [
                f"{indent}- name: p{level}_{index}",
                f"{indent}  logicalType: integer",
                f"{indent}  logicalTypeOptions: {{minimum: 0, maximum: 100}}",
            ]
        lines += [f"{indent}- name: o{level}", f"{indent}  logicalType: object", f"{indent}  properties:"]
    lines += [f"{'    ' * levels}- {{name: leaf, logicalType: string}}"]
    return properties("\n".join(lines) + "\n")


def flat(number: int) -> bytes:
    body = "".join(
        f"- name: p{index}\n  logicalType: integer\n  logicalTypeOptions: {{minimum: 0, maximum: 100}}\n"
        for index in range(number)
    )
    return properties(body)


def test_six_levels_cost_little_more_per_property_than_one() -> None:
    deep, wide = nested(6, 30), flat(6 * 31 + 1)
    assert lint(deep).problems == lint(wide).problems == ()
    assert best_cpu_seconds(lambda: lint(deep)) < 2 * best_cpu_seconds(lambda: lint(wide))


def test_four_times_the_properties_cost_about_four_times_as_much() -> None:
    small, large = flat(200), flat(800)
    assert best_cpu_seconds(lambda: lint(large)) < 8 * best_cpu_seconds(lambda: lint(small))


def test_many_faults_cost_about_as_much_as_none() -> None:
    bad = flat(800).replace(b"maximum: 100", b"maximum: -1")
    assert len(lint(bad).problems) == 800
    assert best_cpu_seconds(lambda: lint(bad)) < 3 * best_cpu_seconds(lambda: lint(flat(800)))


def test_many_faults_of_grammar_are_not_quadratic() -> None:
    few, many = (flat(number).replace(b"logicalType: integer", b"logicalType: int") for number in (200, 800))
    assert best_cpu_seconds(lambda: lint(many)) < 8 * best_cpu_seconds(lambda: lint(few))


def test_the_example_with_68_tables(odcs_corpus: Path) -> None:
    file = odcs_corpus / "examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml"
    assert best_cpu_seconds(lambda: lint(file)) < cpu_limit(0.5)


def test_hundreds_of_service_levels_and_objects() -> None:
    objects = "".join(f"  - {{name: t{index}, properties: [{{name: d, logicalType: date}}]}}\n" for index in range(300))
    levels = "".join(f"  - {{property: frequency, value: 1, unit: d, element: t{n}.d}}\n" for n in range(300))
    source = (HEADER.format(version="v3.1.0") + f"schema:\n{objects}slaProperties:\n{levels}").encode()
    assert lint(source).problems == ()
    assert best_cpu_seconds(lambda: lint(source)) < cpu_limit(1)
