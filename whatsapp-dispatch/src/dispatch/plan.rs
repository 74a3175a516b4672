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
}

impl Plan {
    pub(super) async fn of(desk: &Desk, record: CampaignRecord) -> Result<Self, StoreError> {
        let progress = desk.log.progress(std::slice::from_ref(&record.key)).await?.pop().unwrap_or_default();
        Ok(Self { record, progress })
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

    /// How long sending takes at the number's rate, if nothing holds it up.
    pub fn duration(&self) -> Duration {
        let rate = f64::from(self.record.definition.sender.messages_per_second.max(1));
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
        write!(f, "  about {} at {} messages a second", human(self.duration()), sender.messages_per_second)
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
