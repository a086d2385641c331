-- Products without a category get the kind that was found for them, in learning's own table alone.
-- in:  items, found_kinds(product_no, kind)
-- out: items

CREATE TABLE sorted_items AS
SELECT i.product_no, i.product_ref, COALESCE(i.category, f.kind) AS category, i.price, i.months
FROM items i LEFT JOIN found_kinds f ON f.product_no = i.product_no;

DROP TABLE items;

CREATE TABLE items AS
SELECT product_no, product_ref, category, price, months FROM sorted_items;
