-- table of schema object customer
CREATE TABLE IF NOT EXISTS `main`.`shop`.`customer` (
  `customer_id` BIGINT,
  `country` STRING
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'customer'
);

-- table of schema object sale
CREATE TABLE IF NOT EXISTS `main`.`shop`.`sale` (
  `sale_id` BIGINT,
  `customer_id` BIGINT,
  `shop_id` BIGINT,
  `price` DOUBLE
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'sale'
);

-- table of schema object shop
CREATE TABLE IF NOT EXISTS `main`.`shop`.`shop` (
  `shop_id` BIGINT
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'shop'
);

-- not done: CONSTRAINT `fk_sale_customer` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer`
--   because: Spark has no foreign keys; the pipeline checks the reference

-- not done: CONSTRAINT `fk_sale_shop` FOREIGN KEY (`shop_id`) REFERENCES `main`.`shop`.`shop`
--   because: Spark has no foreign keys; the pipeline checks the reference
