-- table of schema object order
CREATE TABLE IF NOT EXISTS `main`.`shop`.`order Größe ``x`` 'y' "z" ${HOME} \ 𝄞` (
  `Größe ``x`` 'y' "z" ${HOME} \ 𝄞` BIGINT,
  `select` STRUCT<`select`: BIGINT, `a``b`: STRING>,
  `from` ARRAY<STRUCT<`select`: BIGINT, `a``b`: STRING>>,
  `map` MAP<STRING, BIGINT>,
  `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` DATE
)
USING DELTA
COMMENT 'Says "hello"\n\'there\' """ \u0024{y} \\'
TBLPROPERTIES (
  'lakepact.contract.id' = 'id"\nimport os',
  'lakepact.contract.version' = '1.0.0\'',
  'lakepact.contract.sha256' = 'd9ce3d49ab86652542894e5d7e503b685eb16c7729523edb717d4da5497f80e3',
  'lakepact.object' = 'order',
  'delta.columnMapping.mode' = 'name'
);
