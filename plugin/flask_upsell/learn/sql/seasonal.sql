-- Which pairs go together in some weeks of the year only, or far more than in the rest of it, and in which.
-- in:  baskets, basket_items, frequent, pairs, items, item_orders, totals, parameters
-- out: seasonal(antecedent, consequent, first_day, last_day, together, base, orders, lift, outside_together,
--      outside_base, outside_lift, years, certainty); days of the year are 1 to 365, a leap day is February 28 too
--
-- A window is a run of weeks of the year, up to 13 of 52, also over the new year. Of the orders that have a pair,
-- chance puts a share p into a window: what the sales of both products in it and outside let expect. That x of t
-- orders are inside has then at most the probability EXP(-certainty) (Chernoff's bound), with
--      certainty = x LN(x / (t p)) + (t - x) LN((t - x) / (t (1 - p)))
-- A window counts when that, times the windows of all pairs that are tried (Bonferroni), is at most 0.05: in one of
-- twenty histories a pair is found by chance. Beside that it takes min_support orders inside, half of them at most on
-- one day, the certainty of complements inside, twice the lift of the rest of the year, and orders in half of the weeks
-- of the year. Where there is more than one year, it must hold in each that lets at least two orders expect.

CREATE TABLE dated AS
SELECT order_no, year, day, CAST(LEAST(FLOOR((day - 1) / 7), 51) AS BIGINT) AS week
FROM (
    SELECT order_no, year,
           CAST(FLOOR(275 * month / 9) - CASE WHEN month > 2 THEN 2 ELSE 0 END
                + CASE WHEN month = 2 AND day_of_month > 28 THEN 28 ELSE day_of_month END - 30 AS BIGINT) AS day
    FROM (
        SELECT order_no, CAST(EXTRACT(YEAR FROM placed_on) AS BIGINT) AS year,
               CAST(EXTRACT(MONTH FROM placed_on) AS BIGINT) AS month,
               CAST(EXTRACT(DAY FROM placed_on) AS BIGINT) AS day_of_month
        FROM (SELECT order_no, DATE '1970-01-01' + CAST(FLOOR(placed_at / 86400) AS INT) AS placed_on
              FROM baskets) AS placed_orders
    ) AS dates
) AS numbered;

CREATE TABLE week_orders AS
SELECT week, orders, CAST(SUM(orders) OVER (ORDER BY week) AS BIGINT) AS upto
FROM (SELECT week, COUNT(*) AS orders FROM dated GROUP BY week) AS counted;

CREATE TABLE week_runs AS
SELECT a.week AS first_week, b.week AS last_week,
       CASE WHEN b.week >= a.week THEN b.upto - a.upto + a.orders
            ELSE n.orders - a.upto + a.orders + b.upto END AS orders
FROM week_orders a
JOIN week_orders b ON b.week BETWEEN a.week AND a.week + 12 OR b.week <= a.week - 40
CROSS JOIN totals n;

-- Pairs have one number here, so that no engine joins them with all orders of their first product.
CREATE TABLE pair_weeks AS
SELECT one, other, week, together,
       CAST(SUM(together) OVER (PARTITION BY one, other ORDER BY week) AS BIGINT) AS upto
FROM (
    SELECT p.one, p.other, d.week, COUNT(*) AS together
    FROM frequent a
    JOIN frequent b ON b.order_no = a.order_no AND b.product_no > a.product_no
    JOIN (SELECT one, other, CAST(one AS BIGINT) * 1000000000 + other AS pair_no FROM pairs) AS p
         ON p.pair_no = CAST(a.product_no AS BIGINT) * 1000000000 + b.product_no
    JOIN dated d ON d.order_no = a.order_no
    WHERE (SELECT COUNT(*) FROM week_orders) >= 26
    GROUP BY p.one, p.other, d.week
) AS counted;

-- Runs that begin and end with a week in which the two were together, with twice the share of the pair's orders that
-- they have of all orders: nothing else can be a window, and it leaves few.
CREATE TABLE pair_runs AS
SELECT one, other, first_week, last_week, together, every, window_orders
FROM (
    SELECT a.one, a.other, a.week AS first_week, b.week AS last_week, p.together AS every, w.orders AS window_orders,
           CASE WHEN b.week >= a.week THEN b.upto - a.upto + a.together
                ELSE p.together - a.upto + a.together + b.upto END AS together
    FROM pair_weeks a
    JOIN pair_weeks b ON b.one = a.one AND b.other = a.other
    JOIN week_runs w ON w.first_week = a.week AND w.last_week = b.week
    JOIN pairs p ON p.one = a.one AND p.other = a.other
) AS runs
CROSS JOIN totals n
WHERE together >= (SELECT min_support FROM parameters) AND together * n.orders >= 2 * every * window_orders;

CREATE TABLE item_weeks AS
SELECT product_no, week, orders, CAST(SUM(orders) OVER (PARTITION BY product_no ORDER BY week) AS BIGINT) AS upto
FROM (
    SELECT p.product_no, w.week, COALESCE(c.orders, 0) AS orders
    FROM (SELECT one AS product_no FROM pair_runs UNION SELECT other FROM pair_runs) AS p
    CROSS JOIN week_orders w
    LEFT JOIN (SELECT f.product_no, d.week, COUNT(*) AS orders
               FROM frequent f JOIN dated d ON d.order_no = f.order_no GROUP BY f.product_no, d.week) AS c
           ON c.product_no = p.product_no AND c.week = w.week
) AS dense;

-- What chance lets expect inside and outside, where both products were sold in both. `odds`: the same without what the
-- pair itself adds to the sales of the two (it is their odds ratio's denominator), by which windows are compared.
CREATE TABLE weighed_runs AS
SELECT one, other, first_week, last_week, together, every, window_orders, ones, others,
       1E0 * ones * others / window_orders AS expected,
       1E0 * (one_orders - ones) * (other_orders - others) / (orders - window_orders) AS expected_outside,
       (ones - together + 5E-1) * (others - together + 5E-1)
       / (window_orders - ones - others + together + 5E-1) AS odds,
       (one_orders - ones - every + together + 5E-1) * (other_orders - others - every + together + 5E-1)
       / (orders - window_orders - one_orders + ones - other_orders + others + every - together + 5E-1) AS odds_outside
FROM (
    SELECT r.one, r.other, r.first_week, r.last_week, r.together, r.every, r.window_orders,
           a.orders AS one_orders, c.orders AS other_orders, n.orders,
           CASE WHEN r.last_week >= r.first_week THEN al.upto - af.upto + af.orders
                ELSE a.orders - af.upto + af.orders + al.upto END AS ones,
           CASE WHEN r.last_week >= r.first_week THEN cl.upto - cf.upto + cf.orders
                ELSE c.orders - cf.upto + cf.orders + cl.upto END AS others
    FROM pair_runs r
    JOIN item_orders a ON a.product_no = r.one
    JOIN item_orders c ON c.product_no = r.other
    JOIN item_weeks af ON af.product_no = r.one AND af.week = r.first_week
    JOIN item_weeks al ON al.product_no = r.one AND al.week = r.last_week
    JOIN item_weeks cf ON cf.product_no = r.other AND cf.week = r.first_week
    JOIN item_weeks cl ON cl.product_no = r.other AND cl.week = r.last_week
    CROSS JOIN totals n
) AS counted
WHERE one_orders > ones AND other_orders > others AND orders > window_orders;

-- `gain` is the certainty by odds. Both in millionths: the last digits of a logarithm differ from machine to machine.
CREATE TABLE judged_runs AS
SELECT w.one, w.other, w.first_week, w.last_week,
       CAST(FLOOR(1E6 * (w.together * LN(w.together * (w.expected + w.expected_outside) / (w.every * w.expected))
                         + CASE WHEN w.every > w.together
                                THEN (w.every - w.together) * LN((w.every - w.together)
                                     * (w.expected + w.expected_outside) / (w.every * w.expected_outside))
                                ELSE 0E0 END) + 5E-1) AS BIGINT) AS certainty,
       CAST(FLOOR(1E6 * (w.together * LN(w.together * (w.odds + w.odds_outside) / (w.every * w.odds))
                         + CASE WHEN w.every > w.together
                                THEN (w.every - w.together) * LN((w.every - w.together)
                                     * (w.odds + w.odds_outside) / (w.every * w.odds_outside))
                                ELSE 0E0 END) + 5E-1) AS BIGINT) AS gain
FROM weighed_runs w
CROSS JOIN parameters p
WHERE w.together * w.expected_outside >= 2E0 * (w.every - w.together) * w.expected
  AND w.together >= p.min_lift * w.expected
  AND w.together - w.expected >= p.min_certainty * SQRT(w.expected * (1 - 1E0 * w.ones / w.window_orders)
                                                        * (1 - 1E0 * w.others / w.window_orders));

-- Of each pair its best run of those that are sure enough.
CREATE TABLE best_runs AS
SELECT one, other, first_week * 7 + 1 AS first_day,
       CASE WHEN last_week = 51 THEN 365 ELSE last_week * 7 + 7 END AS last_day, certainty / 1E6 AS certainty
FROM (
    SELECT one, other, first_week, last_week, certainty,
           ROW_NUMBER() OVER (PARTITION BY one, other
                              ORDER BY gain DESC, (last_week - first_week + 52) % 52, first_week) AS place
    FROM judged_runs
    WHERE certainty >= 1E6 * LN((SELECT COUNT(*) FROM pairs) * 52 * 13 / 5E-2)
) AS ranked
WHERE place = 1;

CREATE TABLE pair_days AS
SELECT r.one, r.other, d.year, d.day, COUNT(*) AS together
FROM best_runs r
JOIN frequent a ON a.product_no = r.one
JOIN frequent b ON b.product_no = r.other AND b.order_no = a.order_no
JOIN dated d ON d.order_no = a.order_no
GROUP BY r.one, r.other, d.year, d.day;

-- From the first day in it on which they were together to the last, unless that is less than a week.
CREATE TABLE season_windows AS
SELECT one, other, certainty,
       CASE WHEN ended - begun >= 6 THEN (first_day - 1 + begun) % 365 + 1 ELSE first_day END AS first_day,
       CASE WHEN ended - begun >= 6 THEN (first_day - 1 + ended) % 365 + 1 ELSE last_day END AS last_day
FROM (
    SELECT one, other, certainty, first_day, last_day, MIN(place) AS begun, MAX(place) AS ended,
           SUM(together) AS together, MAX(together) AS most
    FROM (SELECT r.one, r.other, r.certainty, r.first_day, r.last_day, d.together,
                 (d.day - r.first_day + 365) % 365 AS place
          FROM best_runs r JOIN pair_days d ON d.one = r.one AND d.other = r.other) AS placed_days
    WHERE place <= (last_day - first_day + 365) % 365
    GROUP BY one, other, certainty, first_day, last_day
) AS inside
WHERE most * 2 <= together;

CREATE TABLE item_days AS
SELECT f.product_no, d.year, d.day, COUNT(*) AS orders
FROM (SELECT one AS product_no FROM season_windows UNION SELECT other FROM season_windows) AS p
JOIN frequent f ON f.product_no = p.product_no
JOIN dated d ON d.order_no = f.order_no
GROUP BY f.product_no, d.year, d.day;

-- Each window in each year; one over the new year is of the year in which it begins.
CREATE TABLE season_years AS
SELECT one, other, CASE WHEN day >= first_day THEN year ELSE year - 1 END AS year,
       CAST(SUM(together) AS BIGINT) AS together, CAST(SUM(ones) AS BIGINT) AS ones,
       CAST(SUM(others) AS BIGINT) AS others, CAST(SUM(orders) AS BIGINT) AS orders
FROM (
    SELECT w.one, w.other, w.first_day, w.last_day, d.year, d.day, d.together, 0 AS ones, 0 AS others, 0 AS orders
    FROM season_windows w JOIN pair_days d ON d.one = w.one AND d.other = w.other
    UNION ALL
    SELECT w.one, w.other, w.first_day, w.last_day, i.year, i.day, 0, i.orders, 0, 0
    FROM season_windows w JOIN item_days i ON i.product_no = w.one
    UNION ALL
    SELECT w.one, w.other, w.first_day, w.last_day, i.year, i.day, 0, 0, i.orders, 0
    FROM season_windows w JOIN item_days i ON i.product_no = w.other
    UNION ALL
    SELECT w.one, w.other, w.first_day, w.last_day, s.year, s.day, 0, 0, 0, s.orders
    FROM season_windows w
    CROSS JOIN (SELECT year, day, COUNT(*) AS orders FROM dated GROUP BY year, day) AS s
) AS counted
WHERE (day - first_day + 365) % 365 <= (last_day - first_day + 365) % 365
GROUP BY one, other, CASE WHEN day >= first_day THEN year ELSE year - 1 END;

CREATE TABLE season_lifts AS
SELECT w.one, w.other, w.first_day, w.last_day, w.certainty, y.together, y.ones, y.others, y.orders,
       1E0 * y.together * y.orders / (1E0 * y.ones * y.others) AS lift, p.together - y.together AS outside_together,
       a.orders - y.ones AS ones_outside, c.orders - y.others AS others_outside,
       1E0 * (p.together - y.together) * (n.orders - y.orders)
       / (1E0 * (a.orders - y.ones) * (c.orders - y.others)) AS outside_lift
FROM season_windows w
JOIN (SELECT one, other, CAST(SUM(together) AS BIGINT) AS together, CAST(SUM(ones) AS BIGINT) AS ones,
             CAST(SUM(others) AS BIGINT) AS others, CAST(SUM(orders) AS BIGINT) AS orders
      FROM season_years GROUP BY one, other) AS y ON y.one = w.one AND y.other = w.other
JOIN pairs p ON p.one = w.one AND p.other = w.other
JOIN item_orders a ON a.product_no = w.one
JOIN item_orders c ON c.product_no = w.other
CROSS JOIN totals n;

CREATE TABLE seasonal AS
SELECT f.product_ref AS antecedent, t.product_ref AS consequent, r.first_day, r.last_day, r.together, r.base, r.orders,
       r.lift, r.outside_together, r.outside_base, r.outside_lift, r.years, r.certainty
FROM (
    SELECT d.*, h.years, ROW_NUMBER() OVER (PARTITION BY d.from_no ORDER BY d.certainty DESC, d.to_no) AS place
    FROM (
        SELECT one, other, one AS from_no, other AS to_no, first_day, last_day, together, ones AS base, orders, lift,
               outside_together, ones_outside AS outside_base, outside_lift, certainty
        FROM season_lifts
        UNION ALL
        SELECT one, other, other, one, first_day, last_day, together, others, orders, lift,
               outside_together, others_outside, outside_lift, certainty
        FROM season_lifts
    ) AS d
    JOIN (
        SELECT y.one, y.other, COUNT(*) AS years,
               COUNT(CASE WHEN 1E0 * y.together * y.orders >= p.min_lift * y.ones * y.others
                           AND 1E0 * y.together * y.orders >= 2E0 * l.outside_lift * y.ones * y.others
                          THEN 1 END) AS held
        FROM season_years y
        JOIN season_lifts l ON l.one = y.one AND l.other = y.other
        CROSS JOIN parameters p
        WHERE y.orders > 0 AND (y.together >= 2 OR l.lift * y.ones * y.others >= 2E0 * y.orders)
        GROUP BY y.one, y.other
    ) AS h ON h.one = d.one AND h.other = d.other AND h.held = h.years
) AS r
JOIN items f ON f.product_no = r.from_no
JOIN items t ON t.product_no = r.to_no
WHERE r.place <= (SELECT neighbours FROM parameters);
