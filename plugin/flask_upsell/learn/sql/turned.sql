-- Who turned to a dearer product of a category, after an instant, having bought another one of it before.
-- in:  placed, basket_items, items, owned, steps_up, horizon(until)
-- out: turned(customer, base_no, product_no)

DROP TABLE IF EXISTS usual;
DROP TABLE IF EXISTS turned;

-- The last one that each customer bought of a category before.
CREATE TABLE usual AS
SELECT customer, category, product_no FROM (
    SELECT p.customer, i.category, i.product_no,
           ROW_NUMBER() OVER (PARTITION BY p.customer, i.category
                              ORDER BY p.placed_at DESC, p.order_no DESC, i.product_no) AS place
    FROM placed p JOIN basket_items b ON b.order_no = p.order_no JOIN items i ON i.product_no = b.product_no
    WHERE p.customer IS NOT NULL AND i.category IS NOT NULL AND p.placed_at < (SELECT until FROM horizon)
) AS ranked
WHERE place = 1;

CREATE TABLE turned AS
SELECT customer, base_no, product_no FROM (
    SELECT p.customer, u.product_no AS base_no, i.product_no,
           ROW_NUMBER() OVER (PARTITION BY p.customer, i.category
                              ORDER BY p.placed_at, p.order_no, i.product_no) AS place
    FROM placed p
    JOIN basket_items b ON b.order_no = p.order_no
    JOIN items i ON i.product_no = b.product_no
    JOIN usual u ON u.customer = p.customer AND u.category = i.category
    JOIN steps_up s ON s.base_no = u.product_no AND s.product_no = i.product_no
    LEFT JOIN owned o ON o.customer = p.customer AND o.product_no = i.product_no
    WHERE p.placed_at >= (SELECT until FROM horizon) AND o.customer IS NULL
) AS ranked
WHERE place = 1;
