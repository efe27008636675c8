-- table of schema object events
CREATE TABLE IF NOT EXISTS `main`.`shop`.`events` (
  `event_id` BIGINT,
  `at` TIMESTAMP,
  `kind` STRING
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'tracking',
  'lakepact.contract.version' = '0.3.1',
  'lakepact.contract.sha256' = '5a95db2aa8e5d0883be7b8968983b8ea67d91f1e7ae5463b97258986a93de1be',
  'lakepact.object' = 'events'
);
