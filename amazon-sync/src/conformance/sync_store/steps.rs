use rules_core::work::StoreError;

use super::{Subject, at, count, entry, line, movement};
use crate::host_stock::HostMark;
use crate::ledger::{Bucket, Seq};
use crate::listing::{Channel, ListingKey};
use crate::marketplace::{OrderWindow, PageToken};
use crate::quantity::Units;
use crate::seller::{MarketplaceId, Region};
use crate::sync_store::{
    Commit, Committed, Cursor, CursorStep, Cursors, Fence, Lateness, ListingChange, ListingRecord, NewLetter,
    OpenWindow, OrderReport,
};

fn step(closed_to: Option<i64>) -> CursorStep {
    CursorStep { closed_to: closed_to.map(at), open: None, lateness: Lateness::default() }
}

impl Subject {
    fn stepping(&self, revision: u64, step: CursorStep) -> Commit {
        let fence = Some(Fence { account: self.account(), revision });
        Commit { fence, cursor: Some(step), ..Commit::default() }
    }

    /// A commit of everything that a commit can hold.
    fn everything(&self, revision: u64) -> Commit {
        let key = ListingKey::new(self.account(), super::sku("mug"), Channel::Merchant);
        let record = ListingRecord {
            key,
            revision: 0,
            base: None,
            shown: None,
            intent: None,
            sold: Units::ZERO,
            frozen: None,
        };
        Commit {
            orders: vec![self.report("902-0000000-0000001", 1, &[line("1", "mug", 1, 1)])],
            movements: vec![movement("a", "cup", Bucket::OnHand, 1, at(0))],
            counts: vec![count("jug", 4, None, at(0))],
            host_mark: Some(HostMark("line 7".to_owned())),
            listings: vec![ListingChange { record }],
            reconciled: vec![(super::item("cup"), Seq(9))],
            letters: vec![NewLetter {
                subject: "902-0000000-0000001".to_owned(),
                code: rules_core::judge::code::Code::known("sku.unmapped"),
                text: "map it".to_owned(),
                at: at(0),
            }],
            answered: vec![1],
            evidence: vec![entry(&self.scopes[0], "it happened")],
            ..self.stepping(revision, step(Some(60)))
        }
    }

    /// Everything that can be read of the main shelf.
    async fn all_there_is(&self) -> String {
        let on = self.shelf();
        let (cursors, history) =
            (self.store.cursors(&on, &[self.account()]).await, self.history_of(None).await);
        let items = self.items(&crate::sync_store::Items::All { after: None, max: 99 }).await;
        let listings = crate::sync_store::Listings::All { account: self.account(), after: None, max: 99 };
        let listings = self.store.listings(&on, &listings).await.unwrap();
        let letters = self.store.letters(&on, 0, 99).await.unwrap();
        let outbox = self.outbox.pending(99).await.unwrap();
        format!("{cursors:?}\n{history:?}\n{items:?}\n{listings:?}\n{letters:?}\n{outbox:?}")
    }
}

/// Before the first step everything stands at its beginning.
pub async fn everything_begins_at_its_beginning(s: Subject) {
    let accounts = [s.account(), s.account_of(0, "A3OTHERSELLER", Region::Europe)];
    let expected = Cursors { host_mark: None, accounts: vec![Cursor::default(); 2] };
    assert_eq!(s.store.cursors(&s.shelf(), &accounts).await.unwrap(), expected);
    s.commit(&Commit::default()).await;
    assert_eq!(s.store.cursors(&s.shelf(), &accounts).await.unwrap(), expected);
    assert_eq!(s.store.cursors(&s.shelf(), &[]).await.unwrap().accounts, []);
}

/// A step is made if the cursor has the revision of the fence; it comes back whole and raises the
/// revision by one.
pub async fn a_step_raises_the_revision(s: Subject) {
    let open = OpenWindow {
        window: OrderWindow {
            from: at(0),
            to: at(180),
            marketplaces: vec![MarketplaceId::parse("A1PA6795UKMFR9").unwrap()],
        },
        page: Some(PageToken("page \"2\"".to_owned())),
        page_at: at(200),
        used_to: Some(at(179)),
    };
    let lateness = Lateness { seen: vec![0, 3, 1] };
    let step = CursorStep { closed_to: None, open: Some(open.clone()), lateness: lateness.clone() };
    s.commit(&s.stepping(0, step)).await;
    let expected = Cursor { revision: 1, closed_to: None, open: Some(open), lateness };
    assert_eq!(s.cursor().await, expected);
    s.commit(&s.stepping(1, self::step(Some(179)))).await;
    let expected = Cursor { revision: 2, closed_to: Some(at(179)), ..Cursor::default() };
    assert_eq!(s.cursor().await, expected);
}

/// A commit whose fence fails changes nothing at all, and says where the cursor stands.
pub async fn a_fence_that_fails_changes_nothing(s: Subject) {
    s.commit(&s.stepping(0, step(Some(30)))).await;
    let before = s.all_there_is().await;
    for revision in [0, 2] {
        let answer = s.store.commit(&s.shelf(), &s.everything(revision)).await.unwrap();
        assert_eq!(answer, Committed::Fenced(s.cursor().await));
    }
    assert_eq!(s.all_there_is().await, before);
    s.commit(&s.everything(1)).await;
    assert_eq!(s.cursor().await.revision, 2);
}

/// Of two that step at once one is told where the other has gone.
pub async fn one_of_two_steps_is_made(s: Subject) {
    let (mut made, mut fenced) = (0, 0);
    let shelf = s.shelf();
    let (one, two) = (s.stepping(0, step(Some(1))), s.stepping(0, step(Some(2))));
    let (one, two) = tokio::join!(s.store.commit(&shelf, &one), s.store.commit(&shelf, &two));
    for answer in [one.unwrap(), two.unwrap()] {
        match answer {
            Committed::Done(_) => made += 1,
            Committed::Fenced(cursor) => {
                assert_eq!(cursor, s.cursor().await);
                fenced += 1;
            }
        }
    }
    assert_eq!((made, fenced, s.cursor().await.revision), (1, 1, 1));
}

/// What is committed up to an instant stays so: a cursor never goes back.
pub async fn a_cursor_never_goes_back(s: Subject) {
    for (revision, closed_to) in [(0, Some(60)), (1, Some(30)), (2, None)] {
        s.commit(&s.stepping(revision, step(closed_to))).await;
        assert_eq!(s.cursor().await.closed_to, Some(at(60)));
    }
}

/// A fence without a step guards the rest of the commit and moves nothing.
pub async fn a_fence_without_a_step_only_guards(s: Subject) {
    let guarded = |revision| Commit { cursor: None, ..s.everything(revision) };
    assert_eq!(s.store.commit(&s.shelf(), &guarded(3)).await.unwrap(), Committed::Fenced(Cursor::default()));
    s.commit(&guarded(0)).await;
    assert_eq!((s.cursor().await, s.units("cup").await), (Cursor::default(), [1, 0, 0]));
}

/// Cursors are each account's own, and each shelf's.
pub async fn cursors_belong_to_their_account(s: Subject) {
    s.commit(&s.stepping(0, step(Some(60)))).await;
    let others = [
        s.account_of(0, "A2NEXAMPLETF53", Region::NorthAmerica),
        s.account(),
        s.account_of(0, "A3OTHERSELLER", Region::Europe),
    ];
    let cursors = s.store.cursors(&s.shelf(), &others).await.unwrap().accounts;
    assert_eq!(cursors.iter().map(|cursor| cursor.revision).collect::<Vec<_>>(), [0, 1, 0]);
    let elsewhere = s.store.cursors(&s.shelf_of(0, "other"), &others).await.unwrap();
    assert_eq!(elsewhere.accounts, vec![Cursor::default(); 3]);
}

/// A step without a fence is refused, and nothing of its commit is done.
pub async fn a_step_without_a_fence_is_refused(s: Subject) {
    let before = s.all_there_is().await;
    let unfenced = Commit { fence: None, ..s.everything(0) };
    let refused = s.store.commit(&s.shelf(), &unfenced).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    assert_eq!(s.all_there_is().await, before);
}

/// An account of another tenant is refused, wherever it stands, and nothing is done.
pub async fn an_account_of_another_tenant_is_refused(s: Subject) {
    let theirs = s.account_of(1, "A2NEXAMPLETF53", Region::Europe);
    let before = s.all_there_is().await;
    let whole = s.everything(0);
    let report = OrderReport { account: theirs.clone(), ..whole.orders.first().unwrap().clone() };
    let key = ListingKey::new(theirs.clone(), super::sku("mug"), Channel::Merchant);
    let record = ListingRecord { key, ..whole.listings.first().unwrap().record.clone() };
    let commits = [
        Commit { orders: vec![report], ..whole.clone() },
        Commit { listings: vec![ListingChange { record }], ..whole.clone() },
        Commit { fence: Some(Fence { account: theirs, revision: 0 }), ..whole },
    ];
    for commit in commits {
        let refused = s.store.commit(&s.shelf(), &commit).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    }
    assert_eq!(s.all_there_is().await, before);
}

/// Where the host's changes are read on is kept until another mark comes.
pub async fn the_hosts_mark_is_kept(s: Subject) {
    for (mark, expected) in [(Some("7"), "7"), (None, "7"), (Some("a \"b\""), "a \"b\"")] {
        let host_mark = mark.map(|mark| HostMark(mark.to_owned()));
        s.commit(&Commit { host_mark, ..Commit::default() }).await;
        let found = s.store.cursors(&s.shelf(), &[]).await.unwrap().host_mark;
        assert_eq!(found, Some(HostMark(expected.to_owned())));
    }
}

/// Evidence is put out with its commit, in order and unchanged; the store adds none of its own.
pub async fn evidence_is_put_out_with_its_commit(s: Subject) {
    let evidence: Vec<_> = ["one", "two"].map(|name| entry(&s.scopes[0], name)).to_vec();
    s.commit(&Commit { evidence: evidence.clone(), ..s.everything(0) }).await;
    s.commit(&Commit { evidence: Vec::new(), ..s.everything(1) }).await;
    let pending: Vec<_> = s.outbox.pending(99).await.unwrap().into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(pending, evidence);
}
