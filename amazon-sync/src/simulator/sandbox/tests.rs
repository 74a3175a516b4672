use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A model in the shape of Amazon's, about something that Amazon does not sell.
fn model() -> Value {
    let fog = |places: &[&str], fog: Value| json!({"request": {"parameters": {"places": {"value": places}}}, "response": fog});
    json!({
        "swagger": "2.0",
        "paths": {
            "/fog/v1/banks": {
                "parameters": [],
                "get": {
                    "operationId": "listBanks",
                    "parameters": [
                        {"name": "places", "in": "query", "type": "array", "collectionFormat": "csv"},
                        {"name": "most", "in": "query", "type": "integer"},
                    ],
                    "responses": {
                        "200": {(SANDBOX): {"static": [
                            {"request": {"parameters": {}}, "response": {"banks": []}},
                            fog(&["dale", "moor"], json!({"banks": [1, 2]})),
                            {"request": {"parameters": {"places": {"value": ["dale", "moor"]}, "most": {"value": 1}}},
                                "response": {"banks": [1]}},
                        ]}},
                        "400": {(SANDBOX): {"static": [fog(&["sun"], json!({"errors": [{"code": "InvalidInput"}]}))]}},
                        "default": {"description": "anything else"},
                    },
                },
                "post": {
                    "operationId": "addBank",
                    "responses": {
                        "202": {(SANDBOX): {"static": [{"request": {"parameters": {"body": {}}}, "response": {"id": 7}}]}},
                        "400": {(SANDBOX): {"static": [{
                            "request": {"parameters": {"body": {"value": {"place": "sun"}}}},
                            "response": {"errors": [{"code": "400"}]},
                        }]}},
                    },
                },
            },
            "/fog/v1/banks/{bank}": {
                "delete": {
                    "operationId": "lift",
                    "responses": {"200": {(SANDBOX): {"static": [
                        {"request": {"parameters": {"bank": {"value": "a / b"}}}},
                    ]}}},
                },
            },
        },
    })
}

const SANDBOX: &str = "x-amzn-api-sandbox";

fn cases() -> SandboxCases {
    let mut cases = SandboxCases::default();
    cases.read_model(Path::new("fog.json"), model().to_string().as_bytes());
    cases
}

fn banks() -> SandboxRequest {
    SandboxRequest::get("/fog/v1/banks")
}

fn body(status: u16, body: Value) -> SandboxAnswer {
    SandboxAnswer { status, body: Some(body) }
}

#[test]
fn the_case_with_the_most_parameters_that_fit_answers() {
    let cases = cases();
    assert_eq!(cases.answer(&banks()), body(200, json!({"banks": []})));
    let both = banks().with("places", "dale,moor");
    assert_eq!(cases.answer(&both), body(200, json!({"banks": [1, 2]})));
    assert_eq!(cases.answer(&both.clone().with("most", "1")), body(200, json!({"banks": [1]})));
    assert_eq!(cases.answer(&both.with("most", "2")), body(200, json!({"banks": [1, 2]})));
    let sun = banks().with("places", "sun");
    assert_eq!(cases.answer(&sun).status, 400);
}

#[test]
fn a_body_fits_a_case_that_names_a_part_of_it_or_nothing() {
    let cases = cases();
    let post = SandboxRequest::new("post", "/fog/v1/banks");
    let sun = post.clone().with_body(json!({"place": "sun", "depth": 3}));
    assert_eq!(cases.answer(&sun), body(400, json!({"errors": [{"code": "400"}]})));
    assert_eq!(cases.answer(&post.clone().with_body(json!({"place": "moor"}))), body(202, json!({"id": 7})));
    assert_eq!(cases.answer(&post).status, 400);
}

#[test]
fn a_path_is_compared_decoded_and_an_answer_may_have_no_body() {
    let cases = cases();
    let lift = SandboxRequest::new("DELETE", "/fog/v1/banks/a%20%2F%20b");
    assert_eq!(cases.answer(&lift), SandboxAnswer { status: 200, body: None });
    assert_eq!(cases.answer(&SandboxRequest::new("DELETE", "/fog/v1/banks/c")).status, 400);
    assert_eq!(cases.answer(&SandboxRequest::get("/fog/v2/banks")).status, 400);
}

#[test]
fn every_case_answers_the_request_that_it_describes() {
    let cases = cases();
    assert_eq!(cases.cases().len(), 7);
    for case in cases.cases() {
        let answer = cases.answer(&case.request());
        assert_eq!((answer.status, &answer.body), (case.status, &case.response), "{case:?}");
    }
}

#[test]
fn a_folder_is_read_with_what_is_in_it_and_what_is_no_model_is_skipped() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("fog")).unwrap();
    fs::write(folder.path().join("fog/fog.json"), model().to_string()).unwrap();
    fs::write(folder.path().join("broken.json"), "{").unwrap();
    fs::write(folder.path().join("plan.json"), "{\"rate\": 1}").unwrap();
    fs::write(folder.path().join("README.md"), "about fog").unwrap();
    let cases = SandboxCases::load(folder.path()).unwrap();
    assert_eq!((cases.cases().len(), cases.skipped().len()), (7, 2));
    assert_eq!(cases.cases()[0].operation, "listBanks");
    let missing = SandboxCases::load(folder.path().join("nowhere")).unwrap_err();
    assert!(missing.to_string().contains("nowhere"), "{missing}");
}

#[tokio::test]
async fn cases_are_served_over_http() {
    let door = cases().start().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = banks().with("places", "dale,moor");
    let url = format!("{}{}", door.url(), request.path_and_query());
    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let told: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(told, json!({"banks": [1, 2]}));
    let sun = client.post(format!("{}/fog/v1/banks", door.url())).body(r#"{"place": "sun"}"#);
    assert_eq!(sun.send().await.unwrap().status(), 400);
    let token = client.post(format!("{}/auth/o2/token", door.url())).send().await.unwrap();
    assert_eq!(token.status(), 200);
}
