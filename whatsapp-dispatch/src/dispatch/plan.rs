use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use rules_core::work::StoreError;

use crate::campaign::CampaignName;
use crate::campaigns::CampaignRecord;
use crate::desk::Desk;
use crate::message::CampaignKey;
use crate::planner::by_count;
use crate::progress::{Bucket, Progress};

/// A campaign that is planned: durable, and nothing queued. `Dispatch::release` lets it go.
#[derive(Clone, Debug)]
#[must_use = "a plan sends nothing until it is released"]
pub struct Plan {
    record: CampaignRecord,
    progress: Progress,
    crowd: Option<Room>,
}

/// How many people the portfolio may still write to.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Now.
    left: u64,
    /// In any 24 hours.
    per_day: u64,
}

impl Plan {
    pub(super) async fn of(desk: &Desk, record: CampaignRecord) -> Result<Self, StoreError> {
        let progress = desk.log.progress(std::slice::from_ref(&record.key)).await?.pop().unwrap_or_default();
        let crowd = Self::room(desk, &record).await?;
        Ok(Self { record, progress, crowd })
    }

    async fn room(desk: &Desk, record: &CampaignRecord) -> Result<Option<Room>, StoreError> {
        let Ok(scope) = desk.tenants.enter(record.key.tenant()).await else { return Ok(None) };
        let Some(crowd) = desk.crowd(&scope, &record.definition.sender).await? else { return Ok(None) };
        let usage = desk.quota.crowds(std::slice::from_ref(&crowd)).await?;
        Ok(usage.first().map(|usage| Room { left: usage.left, per_day: crowd.limit }))
    }

    /// The campaign's name.
    pub const fn name(&self) -> &CampaignName {
        &self.record.name
    }

    /// The campaign's key.
    pub const fn key(&self) -> &CampaignKey {
        &self.record.key
    }

    /// Who goes, who doesn't and why.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How long sending takes at the number's rate and within the portfolio's limit of people in
    /// 24 hours, if nothing else holds it up. As long as possible when the portfolio may write to
    /// nobody.
    pub fn duration(&self) -> Duration {
        self.at_rate().max(self.within_limit().unwrap_or_default())
    }

    /// How long the portfolio's limit makes it last.
    fn within_limit(&self) -> Option<Duration> {
        let Room { left, per_day } = self.crowd?;
        let beyond = self.progress.planned().saturating_sub(left);
        if beyond == 0 {
            return None;
        }
        let seconds = u128::from(beyond) * 86_400 / u128::from(per_day).max(1);
        let within = if per_day == 0 { u64::MAX } else { u64::try_from(seconds).unwrap_or(u64::MAX) };
        Some(Duration::from_secs(within))
    }

    fn at_rate(&self) -> Duration {
        let rate = f64::from(self.record.definition.sender.rate().max(1));
        #[expect(clippy::cast_precision_loss, reason = "a forecast")]
        let messages = self.progress.planned() as f64;
        Duration::from_secs_f64(messages / rate)
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = |bucket| self.progress.in_bucket(bucket);
        writeln!(
            f,
            "{}: {} records, {} messages planned",
            self.name(),
            self.progress.rows(),
            self.progress.planned()
        )?;
        let left_out = [
            ("malformed", Bucket::Malformed),
            ("invalid", Bucket::Invalid),
            ("duplicate", Bucket::Duplicate),
            ("suppressed", Bucket::Suppressed),
        ];
        for (word, bucket) in left_out {
            if 0 < count(bucket) {
                writeln!(f, "  {:>8} {word}", count(bucket))?;
            }
        }
        for (code, n) in by_count(&self.progress.reasons()) {
            writeln!(f, "  {n:>8} {code}")?;
        }
        let sender = &self.record.definition.sender;
        write!(f, "  about {} at {} messages a second", human(self.at_rate()), sender.rate())?;
        match (self.within_limit(), self.crowd) {
            (Some(_), Some(Room { per_day: 0, .. })) => {
                write!(f, "\n  the portfolio may write to nobody")
            }
            (Some(within), Some(Room { per_day, .. })) => write!(
                f,
                "\n  {:.1} days at {per_day} people in 24 hours, the portfolio's limit",
                within.as_secs_f64() / 86_400.0
            ),
            _ => Ok(()),
        }
    }
}

/// A duration in words of at most two units.
pub(super) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(0 < duration.subsec_nanos());
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} days {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let read = |seconds| human(Duration::from_secs(seconds));
        assert_eq!(read(9), "9 s");
        assert_eq!(read(75), "1 min 15 s");
        assert_eq!(read(3 * 3_600 + 28 * 60), "3 h 28 min");
        assert_eq!(read(3 * 86_400 + 5 * 3_600), "3 days 5 h");
    }
}
