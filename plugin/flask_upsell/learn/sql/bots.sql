-- Who bought more than half of all that was sold, more than fifty products, and hardly anything twice: no shopper.
-- in:  order_lines(buyer, product_ref, quantity)
-- out: bots(buyer)

CREATE TABLE bots AS
SELECT buyer
FROM (SELECT buyer, COUNT(DISTINCT product_ref) AS products, COUNT(*) AS line_count
      FROM order_lines WHERE buyer IS NOT NULL AND quantity > 0 GROUP BY buyer) AS counted
WHERE products > 50
  AND products * 2 > (SELECT COUNT(DISTINCT product_ref) FROM order_lines)
  AND line_count < products * 2;
