//! Logs and a block in one request.

use std::fmt;

use alloy::{
    primitives::B256,
    rpc::{
        client::RpcClient,
        json_rpc::{
            Id, Request, RequestPacket, Response, ResponsePacket, RpcRecv, RpcSend, transform_response,
            try_deserialize_ok,
        },
    },
    transports::{TransportError, TransportErrorKind},
};
use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use tower::ServiceExt as _;

use super::{
    post::{Body, Post},
    wire::{Block, Log},
};

/// What they come to.
pub(super) type Both = (Vec<Log>, Option<Block<B256>>);

/// Asks both at once. Inside: what the provider says of the request as a whole, where it does not take it apart. alloy's own
/// batch drops that, as it bears the name of no question.
pub(super) async fn ask<L: RpcSend, B: RpcSend>(
    client: &RpcClient,
    post: Option<&Post>,
    logs: Request<L>,
    block: Request<B>,
) -> Result<Result<Both, TransportError>, TransportError> {
    let (of_logs, of_block) = (logs.meta.id.clone(), block.meta.id.clone());
    let logs = logs.serialize().map_err(TransportError::ser_err)?;
    let block = block.serialize().map_err(TransportError::ser_err)?;
    let packet = RequestPacket::Batch(vec![logs, block]);
    let answers = match post {
        Some(post) => match post.ask(&packet).await? {
            Body::Refused(told) => told,
            Body::Fine(body) => match read(&body, [&of_logs, &of_block]) {
                Some(both) => return Ok(Ok(both)),
                None => serde_json::from_slice(&body)
                    .map_err(|error| TransportError::deser_err(error, String::from_utf8_lossy(&body)))?,
            },
        },
        None => client.transport().clone().oneshot(packet).await?,
    };
    let mut answers = match answers {
        ResponsePacket::Batch(answers) => answers,
        ResponsePacket::Single(answer) => {
            let error = transform_response(answer).err();
            return Ok(Err(error.unwrap_or_else(|| TransportErrorKind::missing_batch_response(of_block))));
        }
    };
    Ok(Ok((take(&mut answers, of_logs)?, take(&mut answers, of_block)?)))
}

/// Both answers, read in one pass; `None` where the body is not just these, in whatever way.
fn read(body: &[u8], [of_logs, of_block]: [&Id; 2]) -> Option<Both> {
    // Looked at as a whole, it is known to be text sooner than each of its words by itself.
    let [one, other]: [Part; 2] = serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
    let (logs, block) = if one.id == *of_logs { (one, other) } else { (other, one) };
    match (logs, block) {
        (
            Part { id, result: Told::Logs(logs), error: None },
            Part { id: last, result: Told::Block(block), error: None },
        ) if (&id, &last) == (of_logs, of_block) => Some((logs, Some(block))),
        _ => None,
    }
}

/// One answer.
#[derive(Deserialize)]
struct Part {
    id: Id,
    result: Told,
    error: Option<IgnoredAny>,
}

/// What it tells: which of the two it is shows in its first character.
enum Told {
    Logs(Vec<Log>),
    Block(Block<B256>),
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Told;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("logs or a block")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, logs: A) -> Result<Told, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(logs)).map(Told::Logs)
            }

            fn visit_map<A: MapAccess<'de>>(self, block: A) -> Result<Told, A::Error> {
                Block::deserialize(MapAccessDeserializer::new(block)).map(Told::Block)
            }
        }

        from.deserialize_any(Either)
    }
}

fn take<T: RpcRecv>(answers: &mut Vec<Response>, id: Id) -> Result<T, TransportError> {
    match answers.iter().position(|answer| answer.id == id) {
        Some(place) => try_deserialize_ok(transform_response(answers.swap_remove(place))),
        None => Err(TransportErrorKind::missing_batch_response(id)),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, U64};
    use serde_json::{Value, json};

    use super::*;

    const IDS: [Id; 2] = [Id::Number(7), Id::Number(8)];

    fn log() -> Value {
        json!({
            "address": Address::repeat_byte(1), "topics": [B256::repeat_byte(2)], "data": "0x0102", "removed": false,
            "blockNumber": U64::from(5), "blockHash": B256::repeat_byte(3), "transactionHash": B256::repeat_byte(4),
            "transactionIndex": "0x0", "logIndex": "0x1", "more": { "than": ["is", "known"] },
        })
    }

    fn block() -> Value {
        let [hash, parent] = [3, 6].map(B256::repeat_byte);
        json!({ "number": "0x5", "hash": hash, "parentHash": parent, "timestamp": "0x9", "uncles": [] })
    }

    fn part(id: u64, result: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }

    /// How many logs are read in one pass, and whether a block is.
    fn seen(body: &Value) -> Option<(usize, bool)> {
        read(body.to_string().as_bytes(), IDS.each_ref()).map(|(logs, block)| (logs.len(), block.is_some()))
    }

    #[test]
    fn both_are_read_in_either_order() {
        let [logs, block] = [part(7, json!([log(), log()])), part(8, block())];
        assert_eq!(seen(&json!([logs, block])), Some((2, true)));
        assert_eq!(seen(&json!([block, logs])), Some((2, true)));
        let keys_in_another_order = format!("[{{\"result\":[],\"id\":7,\"jsonrpc\":\"2.0\"}},{block}]");
        assert!(read(keys_in_another_order.as_bytes(), IDS.each_ref()).is_some());
    }

    #[test]
    fn whatever_else_comes_is_left_to_who_tells_why() {
        let (none, there) = (part(7, json!([])), part(8, block()));
        let refused =
            json!({ "jsonrpc": "2.0", "id": 7, "error": { "code": -32005, "message": "too many" } });
        let said_twice = json!({ "id": 7, "result": [], "error": { "code": 1, "message": "and yet" } });
        for body in [
            json!([none]),
            json!([none, none, there]),
            json!([none, part(9, block())]),
            json!([part(7, block()), part(8, json!([]))]),
            json!([none, part(8, json!(null))]),
            json!([refused, there]),
            json!([said_twice, there]),
            json!([part(7, json!([{ "address": "0x" }])), there]),
            json!([part(7, json!("none")), there]),
            refused,
            json!(null),
        ] {
            assert_eq!(seen(&body), None, "{body}");
        }
        assert!(read(b"[{\"id\":7", IDS.each_ref()).is_none());
    }
}
