use std::collections::HashMap;

use super::Judged;
use crate::desk::Desk;
use crate::drift::Drift;
use crate::listing::ListingKey;
use crate::merge::Action;
use crate::sync_store::Commit;
use crate::telemetry;

/// How each listing stood last, so that what stays as it is counts once.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// Without those in sync; with whether somebody was told.
    last: HashMap<ListingKey, (Drift, bool)>,
}

impl Classes {
    /// Counts a decision, and adds a letter where somebody should look.
    pub(super) fn note(&mut self, desk: &Desk, judged: &Judged, commit: &mut Commit) {
        let class = judged.decision.class;
        let is_saved = judged.is_new
            && class == Drift::InSync
            && judged.changed.as_ref().is_none_or(|record| record.intent.is_none())
            && judged.before.base.map(|base| base.quantity) != judged.ours;
        if is_saved {
            telemetry::count("sync_writes_saved_total", None, 1);
            desk.tally.add(|counts| counts.writes_saved += 1);
        }
        // Nobody has looked yet: that is no way to stand.
        if class == Drift::Missing && judged.before.shown.is_none() {
            return;
        }
        let before = self.last.get(&judged.key).copied().unwrap_or((Drift::InSync, false));
        let is_same = before.0 == class;
        if !is_same {
            desk.tally.drift(class);
        }
        let mut is_told = is_same && before.1;
        if !is_told && let Some(text) = text(judged) {
            is_told = true;
            commit.letters.push(desk.letter(judged.key.to_string(), judged.decision.code(), text));
        }
        if class == Drift::InSync {
            self.last.remove(&judged.key);
        } else {
            self.last.insert(judged.key.clone(), (class, is_told));
        }
    }
}

/// What somebody should know about a listing, if anything.
fn text(judged: &Judged) -> Option<String> {
    let shown = judged.before.shown.as_ref();
    let theirs = shown.and_then(|shown| shown.state.effective);
    let theirs = theirs.map_or_else(|| "nothing".to_owned(), |theirs| theirs.to_string());
    let ours = judged.ours.map_or_else(|| "an unknown number".to_owned(), |ours| ours.to_string());
    let does = match judged.decision.action {
        Action::Publish(_) | Action::HoldBack(_) => "ours is published",
        Action::Freeze => "nothing is written to it until somebody has looked and releases it",
        _ => "Amazon's stays",
    };
    let attempts = judged.before.intent.as_ref().map_or(0, |intent| intent.attempts);
    Some(match judged.decision.class {
        Drift::ForeignWrite => format!(
            "Amazon shows {theirs}, {ours} can ship, and no order explains the difference: somebody else writes to the listing, or a number of ours crossed a sale; {does}"
        ),
        Drift::ChannelFlip => {
            let channel = shown.map_or("another channel", |shown| shown.state.channel.code());
            format!("Amazon ships it through {channel}, which the SKU map does not say; {does}")
        }
        Drift::LostWrite if 1 < attempts => format!(
            "its number was handed over {attempts} times and Amazon does not show it; look at the listing in Seller Central"
        ),
        Drift::Missing if shown.is_some_and(|shown| 1 < shown.absent) => {
            "Amazon does not show the listing any more; nothing is written to it while that is so".to_owned()
        }
        Drift::Unmapped if judged.ours.is_none() => {
            "nobody said how many there are of one of its items; tell the host's stock about it, 0 if there are none"
                .to_owned()
        }
        _ => return None,
    })
}
