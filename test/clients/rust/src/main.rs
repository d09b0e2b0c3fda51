//! A scenario of the command line, played with async-openai. It prints a line of JSON: the text of the reply, or what
//! the library has of the failure.

use async_openai::types::responses::{CreateResponseArgs, ResponseStreamEvent};
use async_openai::{error::OpenAIError, Client};
use futures::StreamExt;
use serde_json::{json, Value};
use std::env;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let scenario = env::args().nth(1).expect("a scenario");
    let result = match play(&scenario).await {
        Ok(text) => json!({ "text": text }),
        Err(fault) => fault,
    };
    println!("{}", json!({ "result": result }));
}

async fn play(scenario: &str) -> Result<String, Value> {
    let client = Client::new();
    let mut request = CreateResponseArgs::default();
    request.model(env::var("MODEL").expect("a model")).input("Hi");
    match scenario {
        "create" => {
            let response = client.responses().create(request.build().map_err(fault)?).await.map_err(fault)?;
            Ok(response.output_text().unwrap_or_default())
        }
        "too-small" => {
            request.max_output_tokens(1u32);
            client.responses().create(request.build().map_err(fault)?).await.map_err(fault)?;
            Ok(String::new())
        }
        "retrieve" => {
            client.responses().retrieve("resp_none").await.map_err(fault)?;
            Ok(String::new())
        }
        "stream" => {
            let mut stream = client.responses().create_stream(request.stream(true).build().map_err(fault)?).await.map_err(fault)?;
            let mut text = String::new();
            while let Some(event) = stream.next().await {
                match event.map_err(fault)? {
                    ResponseStreamEvent::ResponseOutputTextDelta(event) => text.push_str(&event.delta),
                    ResponseStreamEvent::ResponseFailed(event) => {
                        return Err(json!(event.response.error));
                    }
                    _ => {}
                }
            }
            Ok(text)
        }
        _ => panic!("no scenario {scenario}"),
    }
}

fn fault(error: OpenAIError) -> Value {
    match error {
        OpenAIError::ApiError(error) => json!({
            "status": error.status_code.as_u16(),
            "code": error.api_error.code,
            "type": error.api_error.r#type,
            "param": error.api_error.param,
            "message": error.api_error.message,
        }),
        other => json!({ "unread": other.to_string() }),
    }
}
