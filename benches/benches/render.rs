//! What it takes to write the body of one request: a template with two parameters, and one with a
//! picture, two parameters, a link and a coupon.
//!
//! `cargo bench -p benches --bench render`
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use whatsapp_dispatch::adapters::cloud_api::CloudApi;
use whatsapp_dispatch::columns::{Cells, Columns};
use whatsapp_dispatch::gateway::{Content, Outgoing};
use whatsapp_dispatch::media::{MediaKind, MediaSource};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::template::{
    ButtonDefinition, ButtonValue, Components, Header, HeaderKind, Template, TemplateDefinition,
};

fn message(definition: &TemplateDefinition, components: &Components) -> Outgoing {
    let columns = Columns::new(["first_name", "discount", "code"]).unwrap();
    let plan = components.compile(&columns, definition).unwrap();
    let cells = Cells::from_iter(["Asha \"A\" Rao", "20 %", "SAVE20"]);
    Outgoing {
        to: PhoneNumber::parse("+919876543210").unwrap(),
        content: Arc::new(Content::new(definition.template().clone(), plan.skeleton().clone())),
        parameters: plan.fill(&cells).unwrap().into_bytes(),
        token: "v1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    }
}

fn render(criterion: &mut Criterion) {
    let offer = Template::marketing("diwali_offer", "en_US");
    let plain = TemplateDefinition::new(offer, "Hi {{1}}, enjoy {{2}} off today!").unwrap();
    let body = Components::body(["{first_name}", "{discount}"]);
    let rich = plain
        .clone()
        .with_header_kind(HeaderKind::Media(MediaKind::Image))
        .with_buttons([ButtonDefinition::url("Shop", "https://x.example/{{1}}"), ButtonDefinition::CopyCode])
        .unwrap();
    let everything = Components {
        header: Some(Header::image(MediaSource::Id("1234567890".to_owned()))),
        buttons: [(0, ButtonValue::url("{code}")), (1, ButtonValue::copy_code("{code}"))].into(),
        ..body.clone()
    };
    let mut group = criterion.benchmark_group("render");
    group.throughput(Throughput::Elements(1));
    for (name, message) in
        [("two parameters", message(&plain, &body)), ("picture and buttons", message(&rich, &everything))]
    {
        group.bench_function(name, |bencher| bencher.iter(|| CloudApi::body(black_box(&message))));
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
