//! What one webhook costs before anything is stored: its signature checked, and its content read.
//!
//! `cargo bench -p benches --bench webhook`

use benches::inputs;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use secrecy::SecretString;
use whatsapp_dispatch::webhook::{signature, verify_signature};

/// Three statuses of three messages, as Meta writes them.
fn body() -> String {
    let sender = inputs::sender();
    let status = |(index, word): (usize, &str)| {
        format!(
            r#"{{"id":"wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgS{index:016X}AA==","status":"{word}","timestamp":"1789000000","recipient_id":"919876543210","biz_opaque_callback_data":"v1.00000001{index:08x}0001.0123456789abcdef","pricing":{{"billable":true,"pricing_model":"PMP","category":"marketing","type":"regular"}}}}"#
        )
    };
    let statuses: Vec<String> = ["sent", "delivered", "read"].into_iter().enumerate().map(status).collect();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"{}"}},"statuses":[{}]}},"field":"messages"}}]}}]}}"#,
        sender.waba,
        sender.number_id,
        statuses.join(",")
    )
}

fn webhook(criterion: &mut Criterion) {
    let (body, secrets) = (body(), [SecretString::from("app secret")]);
    let header = signature(&secrets[0], body.as_bytes());
    let mut group = criterion.benchmark_group("webhook");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verify_signature(&secrets, Some(&header), body.as_bytes()).is_ok());
    });
    group.bench_function("verify and parse, 3 statuses", |bencher| {
        bencher.iter(|| {
            let verified = verify_signature(&secrets, Some(&header), body.as_bytes()).unwrap();
            let changes = verified.changes().unwrap();
            assert_eq!(changes[0].statuses().count(), 3);
            changes
        });
    });
    group.finish();
}

criterion_group!(benches, webhook);
criterion_main!(benches);
