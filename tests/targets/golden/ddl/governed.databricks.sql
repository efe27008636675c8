-- table of schema object order
CREATE TABLE IF NOT EXISTS `main`.`shop`.`order` (
  `order_id` BIGINT NOT NULL COMMENT 'It\'s the number.',
  `customer_id` BIGINT,
  `day` DATE,
  CONSTRAINT `pk_order` PRIMARY KEY (`order_id`)
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

-- table of schema object customer
CREATE TABLE IF NOT EXISTS `main`.`shop`.`customer` (
  `customer_id` BIGINT NOT NULL,
  `email` STRING MASK `main`.`governance`.`mask_text`,
  CONSTRAINT `pk_customer` PRIMARY KEY (`customer_id`)
)
USING DELTA
TBLPROPERTIES (
  'lakepact.contract.id' = 'shop',
  'lakepact.contract.version' = '1.2.0',
  'lakepact.contract.sha256' = '8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20',
  'lakepact.object' = 'customer'
);

-- tags of the table
ALTER TABLE `main`.`shop`.`customer` SET TAGS ('gold' = '');

-- tags of customer_id
ALTER TABLE `main`.`shop`.`customer` ALTER COLUMN `customer_id` SET TAGS ('key' = '', 'team' = 'crm', 'data_product' = 'data-product');

-- tags of email
ALTER TABLE `main`.`shop`.`customer` ALTER COLUMN `email` SET TAGS ('classification' = 'restricted', 'critical_data_element' = 'true');

-- reference to customer
ALTER TABLE `main`.`shop`.`order` ADD CONSTRAINT `fk_order_customer` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer` (`customer_id`);

-- not done: CONSTRAINT `fk_order_email` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer`
--   because: a foreign key names columns of a primary key; the pipeline checks the reference
