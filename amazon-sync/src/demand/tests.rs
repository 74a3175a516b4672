use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

/// Six an hour, one every ten minutes, for so many hours.
fn steady(hours: i64) -> Demand {
    let mut demand = Demand::new(at(0));
    for sale in 1..=6 * hours {
        demand.take_in(Units::new(1), at(sale * 600));
    }
    demand
}

#[test]
fn a_steady_rate_is_found_within_hours_and_forgotten_in_days() {
    let an_hour = |demand: Demand, second| demand.rate(at(second)).units_in(HOUR);
    assert!((an_hour(steady(3), 3 * 3_600) - 6.0).abs() < 0.5);
    let week = steady(24 * 7);
    let end = 24 * 7 * 3_600;
    assert!((an_hour(week, end) - 6.0).abs() < 0.1);
    assert!((an_hour(week, end + 6 * 3_600) - 3.0).abs() < 0.1);
    assert!(an_hour(week, end + 48 * 3_600) < 0.03);
    assert_eq!(Demand::new(at(0)).rate(at(900)), Rate::ZERO);
}

#[test]
fn the_first_sale_is_no_rush() {
    let mut demand = Demand::new(at(0));
    demand.take_in(Units::new(1), at(1));
    assert!((demand.rate(at(2)).units_in(HOUR) - 2.0).abs() < 0.01);
    // A clock that goes back, and a cancellation of more than was sold.
    demand.take_in(Units::new(-5), at(-100));
    assert_eq!(demand.rate(at(-500)), Rate::ZERO);
}

#[test]
fn quantiles_are_those_of_the_tables() {
    // Distribution of independent arrivals: Abramowitz and Stegun, table 26.7, and the normal
    // approximation above.
    for (mean, quantile, expected) in [
        (0.0, 0.9, 0),
        (0.1, 0.9, 0),
        (0.11, 0.9, 1),
        (0.65, 0.9, 2),
        (2.17, 0.9, 4),
        (10.0, 0.9, 14),
        (10.0, 0.5, 10),
    ] {
        assert_eq!(buffer::poisson_quantile(mean, quantile), expected, "{mean} {quantile}");
    }
    let high = buffer::poisson_quantile(10_000.0, 0.9);
    assert!(high.abs_diff(10_128) < 15, "{high}");
}

#[test]
fn units_are_held_back_when_stock_is_low_and_somebody_else_sells_them() {
    let buffer = LagBuffer::new(0.9, 8.0, Duration::from_secs(86_400)).unwrap();
    let exposure = exposure(Duration::from_secs(120), Duration::from_secs(180), Duration::from_secs(180));
    assert_eq!(exposure, Duration::from_secs(390));
    let rate = |an_hour| Rate::of(an_hour, HOUR);
    let held = |free, amazon, elsewhere| {
        buffer.units(Units::new(free), rate(amazon), rate(elsewhere), exposure).get()
    };
    // 0.65 on average in 390 seconds, so low is 5 and less.
    assert_eq!((held(6, 6.0, 6.0), held(5, 6.0, 6.0), held(-2, 6.0, 6.0)), (0, 2, 2));
    assert_eq!(held(3, 20.0, 2.0), 4);
    // Nobody else sells it: what is held back would stay for ever.
    assert_eq!(held(3, 20.0, 0.0), 0);
    assert_eq!(held(3, 20.0, 0.1), 2);
    assert_eq!(held(3, 0.0, 5.0), 0);
    assert_eq!(LagBuffer::OFF.units(Units::new(1), rate(20.0), rate(20.0), exposure), Quantity::ZERO);
}

proptest! {
    #[test]
    fn the_order_of_sales_does_not_matter(
        mut sales in prop::collection::vec((1..4_i64, 0..200_000_i64), 1..20),
        turn in any::<prop::sample::Index>(),
    ) {
        let demand = |sales: &[(i64, i64)]| {
            let mut demand = Demand::new(at(0));
            for (units, second) in sales {
                demand.take_in(Units::new(*units), at(*second));
            }
            demand.rate(at(200_000)).units_in(HOUR)
        };
        let before = demand(&sales);
        let middle = turn.index(sales.len());
        sales.rotate_left(middle);
        sales.reverse();
        prop_assert!((demand(&sales) - before).abs() <= before * 1e-9);
    }

    #[test]
    fn a_quantile_is_the_least_number_that_is_rarely_exceeded(mean in 0.0..60.0_f64, quantile in 0.01..0.999_f64) {
        let below = |number: f64| {
            let mut term = (-mean).exp();
            let mut sum = 0.0;
            let mut at = 0.0;
            while at <= number {
                sum += term;
                at += 1.0;
                term *= mean / at;
            }
            sum
        };
        let number = f64::from(buffer::poisson_quantile(mean, quantile));
        prop_assert!(below(number) >= quantile - 1e-12);
        prop_assert!(number < 1.0 || below(number - 1.0) < quantile + 1e-12);
    }
}
