-- From order lines as a file has them to those that can be learned from.
-- in:  given_lines(order_ref, product_ref, quantity, customer, placed_at), keeping(customers: 1 or 0)
-- out: order_lines of the same columns and buyer, left_out(unnamed, beyond, timeless, returned)

CREATE TABLE order_lines AS
SELECT order_ref, product_ref, quantity,
       CASE WHEN k.customers = 1 AND CHAR_LENGTH(customer) BETWEEN 1 AND 200 THEN customer END AS customer, placed_at,
       CAST(NULL AS BIGINT) AS buyer
FROM given_lines CROSS JOIN keeping k
WHERE CHAR_LENGTH(order_ref) BETWEEN 1 AND 200 AND CHAR_LENGTH(product_ref) BETWEEN 1 AND 200
  AND quantity BETWEEN -1000000000 AND 1000000000 AND placed_at IS NOT NULL;

-- A line is counted by the first reason that it has.
CREATE TABLE left_out AS
SELECT COUNT(CASE WHEN NOT named THEN 1 END) AS unnamed,
       COUNT(CASE WHEN named AND NOT counted THEN 1 END) AS beyond,
       COUNT(CASE WHEN named AND counted AND placed_at IS NULL THEN 1 END) AS timeless,
       COUNT(CASE WHEN named AND counted AND placed_at IS NOT NULL AND quantity <= 0 THEN 1 END) AS returned
FROM (
    SELECT COALESCE(CHAR_LENGTH(order_ref) BETWEEN 1 AND 200 AND CHAR_LENGTH(product_ref) BETWEEN 1 AND 200, FALSE)
               AS named,
           COALESCE(quantity BETWEEN -1000000000 AND 1000000000, FALSE) AS counted, quantity, placed_at
    FROM given_lines
) AS judged;
