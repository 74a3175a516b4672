//! A row an hour of the simulated day.

use chrono::TimeDelta;

use super::ReportFormat;
use super::day::Day;
use super::screen::aside;

pub(super) struct Table {
    format: ReportFormat,
    has_head: bool,
}

impl Table {
    pub(super) const fn new(format: ReportFormat) -> Self {
        Self { format, has_head: false }
    }

    pub(super) async fn row(&mut self, day: &Day, passed: TimeDelta) -> anyhow::Result<()> {
        let (sync, amazon) = (day.sync.report().await?, day.amazon.report());
        if !self.has_head {
            self.has_head = true;
            let head = " time   orders   sold   shop  oversold  writes  saved   open  throttled";
            aside(self.format, head)?;
        }
        let throttled: u64 = amazon.operations.iter().map(|operation| operation.throttled).sum();
        let row = format!(
            "{:>2}:{:02} {:>8} {:>6} {:>6} {:>9} {:>7} {:>6} {:>6} {:>10}",
            passed.num_hours(),
            passed.num_minutes() % 60,
            amazon.orders,
            amazon.units_sold + amazon.units_sold_by_amazon,
            amazon.shop_units_sold,
            amazon.oversold_units,
            sync.writes,
            sync.writes_saved,
            sync.intents,
            throttled,
        );
        aside(self.format, row)?;
        Ok(())
    }
}
