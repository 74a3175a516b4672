//! The contract of [`Quarantine`](crate::quarantine::Quarantine).

use std::time::Duration;

use bytes::Bytes;
use rules_core::judge::code::Code;

use super::Subject;
use crate::quarantine::{Quarantined, STRAY_BYTES, STRAYS_KEPT, STRAYS_KEPT_FOR, Stray};
use crate::sender::NumberId;

fn stray(n: usize) -> Stray {
    Stray {
        code: Code::known("webhook.unknown_number"),
        waba: "17".to_owned(),
        number_id: n.is_multiple_of(2).then(|| NumberId::parse("4711").unwrap()),
        field: "messages".to_owned(),
        change: Bytes::from(format!("{{\"n\":{n}}}")),
    }
}

async fn all(s: &Subject) -> Vec<Quarantined> {
    s.quarantine.strays(None, STRAYS_KEPT + 10).await.unwrap()
}

/// What is kept comes back as it was, in the order in which it came, page by page.
pub async fn strays_come_back_in_order(s: Subject) {
    let strays: Vec<Stray> = (0..5).map(stray).collect();
    for some in strays.chunks(2) {
        s.quarantine.put(some).await.unwrap();
    }
    s.quarantine.put(&[]).await.unwrap();
    let kept = all(&s).await;
    assert_eq!(kept.iter().map(|kept| kept.stray.clone()).collect::<Vec<_>>(), strays);
    assert!(kept.iter().all(|kept| kept.at == s.now()));
    assert!(kept.is_sorted_by(|one, next| one.number < next.number));
    let page = s.quarantine.strays(kept.get(1).map(|kept| kept.number), 2).await.unwrap();
    assert_eq!(Some(page.as_slice()), kept.get(2..4));
}

/// A change that is kept already stays as it is.
pub async fn a_stray_that_comes_again_is_kept_once(s: Subject) {
    s.quarantine.put(&[stray(1), stray(1)]).await.unwrap();
    let first = all(&s).await;
    (s.advance)(Duration::from_secs(60));
    s.quarantine.put(&[stray(1), stray(2)]).await.unwrap();
    let kept = all(&s).await;
    assert_eq!((first.len(), kept.len()), (1, 2));
    assert_eq!(kept.first(), first.first());
}

/// Of more changes than are kept, the oldest make room.
pub async fn the_oldest_strays_make_room(s: Subject) {
    let strays: Vec<Stray> = (0..STRAYS_KEPT + 20).map(stray).collect();
    for some in strays.chunks(1_000) {
        s.quarantine.put(some).await.unwrap();
    }
    let kept = all(&s).await;
    assert_eq!(kept.len(), STRAYS_KEPT);
    assert_eq!(kept.first().map(|kept| &kept.stray), strays.get(20));
}

/// A change that is too old is gone when others come.
pub async fn old_strays_go(s: Subject) {
    s.quarantine.put(&[stray(1), stray(2)]).await.unwrap();
    (s.advance)(STRAYS_KEPT_FOR);
    s.quarantine.put(&[stray(3)]).await.unwrap();
    let kept: Vec<Stray> = all(&s).await.into_iter().map(|kept| kept.stray).collect();
    assert_eq!(kept, [stray(3)]);
}

/// A change that is too old is told no more, and goes even when no others come.
pub async fn old_strays_go_by_themselves(s: Subject) {
    s.quarantine.put(&[stray(1), stray(2)]).await.unwrap();
    (s.advance)(Duration::from_secs(60));
    s.quarantine.put(&[stray(3)]).await.unwrap();
    (s.advance)(STRAYS_KEPT_FOR.saturating_sub(Duration::from_secs(60)));
    let kept: Vec<Stray> = all(&s).await.into_iter().map(|kept| kept.stray).collect();
    assert_eq!(kept, [stray(3)]);
    let forgotten = [s.quarantine.forget_old().await.unwrap(), s.quarantine.forget_old().await.unwrap()];
    assert_eq!(forgotten, [2, 0]);
    assert_eq!(all(&s).await.len(), 1);
}

/// A change that comes again when it is too old is kept anew.
pub async fn an_old_stray_that_comes_again_is_kept_anew(s: Subject) {
    s.quarantine.put(&[stray(1)]).await.unwrap();
    (s.advance)(STRAYS_KEPT_FOR);
    s.quarantine.put(&[stray(1)]).await.unwrap();
    let kept = all(&s).await;
    assert_eq!(kept.iter().map(|kept| kept.at).collect::<Vec<_>>(), [s.now()]);
}

/// Of a long change only the beginning is kept.
pub async fn a_long_stray_is_cut_off(s: Subject) {
    let long = |last: &str| Stray { change: Bytes::from("x".repeat(STRAY_BYTES) + last), ..stray(1) };
    s.quarantine.put(&[long("a"), long("b")]).await.unwrap();
    let kept = all(&s).await;
    assert_eq!(kept.len(), 2, "two that differ only beyond it are two");
    assert!(kept.iter().all(|kept| kept.stray.change.len() == STRAY_BYTES));
}

/// Runs the suite: `quarantine_conformance!(subject)` with an async function that makes an empty
/// [`Subject`].
#[macro_export]
macro_rules! quarantine_conformance {
    ($new:path) => {
        $crate::conformance_cases! { quarantine, $new:
            strays_come_back_in_order
            a_stray_that_comes_again_is_kept_once
            the_oldest_strays_make_room
            old_strays_go
            old_strays_go_by_themselves
            an_old_stray_that_comes_again_is_kept_anew
            a_long_stray_is_cut_off
        }
    };
}
