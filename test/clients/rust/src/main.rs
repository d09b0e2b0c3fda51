//! A scenario of the command line, played with async-openai. It prints a line of JSON: the text of the reply, or what
//! the library has of the failure.

use async_openai::types::responses::{
    CreateResponseArgs, FunctionCallOutput, FunctionCallOutputItemParam, FunctionTool, Item, OutputItem, ResponseStreamEvent,
};
use async_openai::{config::OpenAIConfig, error::OpenAIError, Client};
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
        "tool" => tool(&client, &mut request).await.map_err(fault),
        _ => panic!("no scenario {scenario}"),
    }
}

async fn tool(client: &Client<OpenAIConfig>, request: &mut CreateResponseArgs) -> Result<String, OpenAIError> {
    let parameters = json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
        "additionalProperties": false,
    });
    let weather =
        FunctionTool { name: "weather".into(), parameters: Some(parameters), strict: Some(true), ..Default::default() };
    request.tools(vec![weather.into()]);
    let asked = client.responses().create(request.build()?).await?;
    let outputs: Vec<Item> = asked.output.into_iter().filter_map(answered).collect();
    request.input(outputs).previous_response_id(asked.id);
    let answer = client.responses().create(request.build()?).await?;
    Ok(answer.output_text().unwrap_or_default())
}

/// The output of a call, for what is one.
fn answered(item: OutputItem) -> Option<Item> {
    let OutputItem::FunctionCall(call) = item else { return None };
    let given: Value = serde_json::from_str(&call.arguments).expect("arguments are JSON");
    let output = format!("21 degrees in {}", given["city"].as_str().expect("a city"));
    Some(Item::FunctionCallOutput(FunctionCallOutputItemParam {
        call_id: Some(call.call_id),
        output: FunctionCallOutput::Text(output),
        id: None,
        status: None,
        name: None,
        namespace: None,
        caller: None,
    }))
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
