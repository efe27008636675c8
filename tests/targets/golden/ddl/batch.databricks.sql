-- table of schema object orders
CREATE TABLE IF NOT EXISTS `main`.`shop`.`orders` (
  `order_id` BIGINT NOT NULL COMMENT 'Number of the order.',
  `amount` DOUBLE,
  `note` STRING,
  CONSTRAINT `pk_orders` PRIMARY KEY (`order_id`)
)
USING DELTA
CLUSTER BY (`order_id`)
COMMENT 'Orders of the shop.'
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'orders',
  'delta.enableChangeDataFeed' = 'true'
);
