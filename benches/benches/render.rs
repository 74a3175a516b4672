//! What it costs to write the body of one message.
//!
//! `cargo bench -p benches --bench render`

use std::sync::Arc;

use benches::inputs;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use whatsapp_dispatch::adapters::cloud_api::CloudApi;
use whatsapp_dispatch::gateway::{Content, Outgoing};
use whatsapp_dispatch::phone::PhoneNumber;

/// A message with parameters as a plan keeps them: each with its length in two bytes.
fn outgoing(content: &Arc<Content>, index: usize) -> Outgoing {
    let [phone, name, discount, _] = inputs::person(index);
    let mut parameters = Vec::new();
    for value in [name, discount] {
        parameters.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        parameters.extend(value.as_bytes());
    }
    Outgoing {
        to: PhoneNumber::parse(&phone).unwrap(),
        content: Arc::clone(content),
        parameters: parameters.into(),
        token: format!("v1.00000001{index:08x}0001.0123456789abcdef"),
    }
}

fn render(criterion: &mut Criterion) {
    let names = || Some(vec!["first_name".to_owned(), "discount".to_owned()]);
    let mut group = criterion.benchmark_group("render");
    group.throughput(Throughput::Elements(1_000));
    for (name, names) in [("positional", None), ("named", names())] {
        let content = Arc::new(Content::new(inputs::template(), names));
        let messages: Vec<Outgoing> = (0..1_000).map(|index| outgoing(&content, index)).collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| messages.iter().map(CloudApi::body).map(|body: Bytes| body.len()).sum::<usize>());
        });
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
