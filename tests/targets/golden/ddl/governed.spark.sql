-- not done: CONSTRAINT `pk_order` PRIMARY KEY (`order_id`)
--   because: Spark has no key constraints; the pipeline checks the key

-- table of schema object order
CREATE TABLE IF NOT EXISTS `main`.`shop`.`order` (
  `order_id` BIGINT NOT NULL COMMENT 'It\'s the number.',
  `customer_id` BIGINT,
  `day` DATE
)
USING DELTA
PARTITIONED BY (`day`, `customer_id`)
COMMENT 'All orders.'
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'order'
);

-- not done: CONSTRAINT `pk_customer` PRIMARY KEY (`customer_id`)
--   because: Spark has no key constraints; the pipeline checks the key

-- not done: `email` MASK `main`.`governance`.`mask_text`
--   because: Spark has no column masks

-- table of schema object customer
CREATE TABLE IF NOT EXISTS `main`.`shop`.`customer` (
  `customer_id` BIGINT NOT NULL,
  `email` STRING
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'customer'
);

-- not done: ALTER TABLE `main`.`shop`.`customer` SET TAGS ('gold' = '')
--   because: Spark has no tags

-- not done: ALTER TABLE `main`.`shop`.`customer` ALTER COLUMN `customer_id` SET TAGS ('key' = '', 'team' = 'crm', 'data_product' = 'data-product')
--   because: Spark has no tags

-- not done: ALTER TABLE `main`.`shop`.`customer` ALTER COLUMN `email` SET TAGS ('classification' = 'restricted', 'critical_data_element' = 'true')
--   because: Spark has no tags

-- not done: CONSTRAINT `fk_order_customer` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer`
--   because: Spark has no foreign keys; the pipeline checks the reference

-- not done: CONSTRAINT `fk_order_email` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer`
--   because: Spark has no foreign keys; the pipeline checks the reference
