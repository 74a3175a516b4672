//! Templates with headers, buttons and media; and campaigns that follow what WhatsApp tells about
//! their template.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::store::memory::Memory;
use rules_core::work::clock::ManualClock;
use rules_core::work::ids::RandomIds;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::campaigns::Status;
use whatsapp_dispatch::dispatch::{Dispatch, PlanError, Sent};
use whatsapp_dispatch::gateway::{
    ApiError, GatewayError, MockMessageGateway, ProductPolicy, Receipt, Route, Wamid,
};
use whatsapp_dispatch::media::{Media, MediaDigest, MediaError, MediaId, MediaKind, MediaSource};
use whatsapp_dispatch::template::{
    Argument, ButtonDefinition, ButtonValue, Component, Header, HeaderKind, MediaBy, Template,
    TemplateDefinition, TemplateError, TemplateEvent, Value,
};

use crate::house::{Scripted, campaign, definition, finished, memory, people, quick, sender, sqlite};

fn poster() -> Media {
    Media::named("poster.png", "a picture").unwrap()
}

/// The offer with a picture and a link.
fn offer(template: &Template) -> TemplateDefinition {
    definition(template)
        .with_header_kind(HeaderKind::Media(MediaKind::Image))
        .with_buttons([ButtonDefinition::url("Shop", "https://x.example/{{1}}")])
        .unwrap()
}

fn rich(name: &str, source: MediaSource) -> Campaign {
    campaign(name).header(Header::image(source)).button(0, ButtonValue::url("?for={phone}"))
}

/// A gateway that knows the offer.
fn gateway() -> MockMessageGateway {
    let mut gateway = MockMessageGateway::new();
    gateway.expect_template().returning(|_, template| Ok(Some(offer(template))));
    gateway
}

fn uploading(gateway: &mut MockMessageGateway, times: usize) {
    gateway.expect_upload().times(times).returning(|_, media| {
        assert_eq!(media.mime, "image/png");
        Ok(MediaId::new(format!("id of {} bytes", media.bytes.len())))
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_uploaded_once_and_sent_by_its_id() {
    let house = sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poster.png");
    std::fs::write(&path, "a picture").unwrap();
    let mut gateway = gateway();
    uploading(&mut gateway, 1);
    let components = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&components);
    gateway.expect_send().times(3).returning(move |_, message| {
        assert_eq!(message.content.route(), Route::Marketing);
        seen.lock().unwrap().push(message.content.skeleton.components.clone());
        Ok(Receipt::new(Wamid::new(message.token.clone())))
    });
    let dispatch = Dispatch::builder(&house.store, gateway).config(quick()).build().unwrap();
    let wanted = || rich("test", MediaSource::File(path.clone())).marketing_api(ProductPolicy::Strict);
    drop(dispatch.plan(wanted(), people(3)).await.unwrap());
    // The same picture, whatever it comes from.
    let bytes = rich("test", MediaSource::Bytes(poster())).marketing_api(ProductPolicy::Strict);
    drop(dispatch.plan(bytes, people(3)).await.unwrap());
    let plan = dispatch.plan(wanted(), people(3)).await.unwrap();
    std::fs::write(&path, "another picture").unwrap();
    let running = dispatch.start();
    let sent = dispatch.release(&plan).await.unwrap();
    assert_eq!(finished(&sent).await.progress.accepted, 3);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    for components in components.lock().unwrap().iter() {
        let id = Value::Constant("id of 9 bytes".to_owned());
        let picture = Argument::Media { kind: MediaKind::Image, by: MediaBy::Id(id), name: None };
        assert_eq!(components[0], Component::Header(picture));
        assert!(matches!(components[2], Component::Button { index: 0, .. }));
    }
}

#[tokio::test]
async fn another_picture_is_another_campaign() {
    let mut gateway = gateway();
    uploading(&mut gateway, 2);
    let dispatch = Dispatch::new(&memory(), gateway).unwrap();
    drop(dispatch.plan(rich("test", MediaSource::Bytes(poster())), people(1)).await.unwrap());
    let other = Media::named("poster.png", "another picture").unwrap();
    let error = dispatch.plan(rich("test", MediaSource::Bytes(other)), people(1)).await.unwrap_err();
    assert!(matches!(error, PlanError::Differs { what: "definition", .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_be_uploaded_plans_nothing() {
    let mut gateway = gateway();
    let refused = || Err(GatewayError::Refused(ApiError::new(131_053, 400)));
    gateway.expect_upload().times(1).returning(move |_, _| refused());
    let store = memory();
    let dispatch = Dispatch::new(&store, gateway).unwrap();
    let plan = async |source| dispatch.plan(rich("test", source), people(1)).await.unwrap_err();
    let error = plan(MediaSource::Bytes(poster())).await;
    assert!(matches!(error, PlanError::Upload { .. }), "{error}");
    let error = plan(MediaSource::File("/nowhere/a.png".into())).await;
    assert!(matches!(error, PlanError::Media(MediaError::Read { .. })), "{error}");
    let film = Media::named("a.mp4", "a film").unwrap();
    let error = plan(MediaSource::Bytes(film)).await;
    assert!(matches!(error, PlanError::Media(MediaError::Kind { .. })), "{error}");
    let without = dispatch.plan(campaign("test"), people(1)).await.unwrap_err();
    assert!(matches!(without, PlanError::Template(TemplateError::Mismatch { .. })), "{without}");
    let digest: MediaDigest = poster().digest();
    assert!(!digest.as_str().is_empty());
}

#[tokio::test]
async fn a_definition_is_asked_for_once_in_ten_minutes_and_after_a_change() {
    let asked = Arc::new(Mutex::new(0));
    let mut gateway = MockMessageGateway::new();
    let count = Arc::clone(&asked);
    gateway.expect_template().returning(move |_, template| {
        *count.lock().unwrap() += 1;
        Ok(Some(definition(template)))
    });
    let clock = Arc::new(ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap()));
    let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(RandomIds));
    let dispatch = Dispatch::new(&store, gateway).unwrap();
    let plan = async |name: &str| drop(dispatch.plan(campaign(name), people(1)).await.unwrap());
    plan("one").await;
    clock.advance(Duration::from_secs(599));
    plan("two").await;
    assert_eq!(*asked.lock().unwrap(), 1);
    clock.advance(Duration::from_secs(1));
    plan("three").await;
    assert_eq!(*asked.lock().unwrap(), 2);
    let waba = sender().waba;
    for (name, times) in [("other_offer", 2), ("diwali_offer", 3)] {
        dispatch.template_changed(&waba, name, "en_US", TemplateEvent::Changed).await.unwrap();
        plan(name).await;
        assert_eq!(*asked.lock().unwrap(), times);
    }
}

async fn released(dispatch: &Dispatch, name: &str) -> Sent {
    let plan = dispatch.plan(campaign(name), people(2)).await.unwrap();
    dispatch.release(&plan).await.unwrap()
}

async fn stands(sent: &Sent) -> (Status, Option<String>) {
    let record = sent.record().await.unwrap();
    (record.status, record.reason.as_ref().map(Code::as_str).map(str::to_owned))
}

#[tokio::test]
async fn a_campaign_waits_while_its_template_is_paused() {
    let dispatch = Dispatch::new(&memory(), Scripted::accepting()).unwrap();
    let tell = async |waba: &str, language: &str, word: &str| {
        let event = TemplateEvent::parse(word);
        dispatch.template_changed(waba, "diwali_offer", language, event).await.unwrap();
    };
    let waba = sender().waba;
    let (sent, by_hand) = (released(&dispatch, "one").await, released(&dispatch, "two").await);
    by_hand.pause().await.unwrap();
    let paused = |code: &str| (Status::Paused, Some(code.to_owned()));
    for (waba, language, word) in [("1", "en_US", "PAUSED"), (&waba, "de", "PAUSED"), (&waba, "en_US", "NEW")]
    {
        tell(waba, language, word).await;
        assert_eq!(stands(&sent).await, (Status::Released, None));
    }
    for (word, code) in [("PAUSED", "template.paused"), ("DISABLED", "template.disabled")] {
        for _ in 0..2 {
            tell(&waba, "en_US", word).await;
            assert_eq!(stands(&sent).await, paused(code));
        }
        assert!(
            !sent.report().await.unwrap().holds.is_empty() || sent.report().await.unwrap().waiting() == 2
        );
        for _ in 0..2 {
            tell(&waba, "en_US", "APPROVED").await;
            assert_eq!(stands(&sent).await, (Status::Released, None));
        }
    }
    assert_eq!(stands(&by_hand).await, paused("campaign.paused"));
}
