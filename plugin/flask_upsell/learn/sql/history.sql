-- When and by whom each basket was bought.
-- in:  order_lines(order_ref, customer, placed_at), baskets, parameters
-- out: placed(order_no, customer, placed_at, size)

CREATE TABLE placed AS
SELECT b.order_no, MIN(l.customer) AS customer, MIN(l.placed_at) AS placed_at, MIN(b.size) AS size
FROM baskets b JOIN order_lines l ON l.order_ref = b.order_ref
GROUP BY b.order_no;
