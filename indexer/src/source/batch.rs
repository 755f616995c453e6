//! Logs and a block in one request.

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
use tower::ServiceExt as _;

use super::wire::{Block, Log};

/// What they come to.
pub(super) type Both = (Vec<Log>, Option<Block<B256>>);

/// Asks both at once. Inside: what the provider says of the request as a whole, where it does not take it apart. alloy's own
/// batch drops that, as it bears the name of no question.
pub(super) async fn ask<L: RpcSend, B: RpcSend>(
    client: &RpcClient,
    logs: Request<L>,
    block: Request<B>,
) -> Result<Result<Both, TransportError>, TransportError> {
    let (of_logs, of_block) = (logs.meta.id.clone(), block.meta.id.clone());
    let logs = logs.serialize().map_err(TransportError::ser_err)?;
    let block = block.serialize().map_err(TransportError::ser_err)?;
    let transport = client.transport().clone();
    let mut answers = match transport.oneshot(RequestPacket::Batch(vec![logs, block])).await? {
        ResponsePacket::Batch(answers) => answers,
        ResponsePacket::Single(answer) => {
            let error = transform_response(answer).err();
            return Ok(Err(error.unwrap_or_else(|| TransportErrorKind::missing_batch_response(of_block))));
        }
    };
    Ok(Ok((take(&mut answers, of_logs)?, take(&mut answers, of_block)?)))
}

fn take<T: RpcRecv>(answers: &mut Vec<Response>, id: Id) -> Result<T, TransportError> {
    match answers.iter().position(|answer| answer.id == id) {
        Some(place) => try_deserialize_ok(transform_response(answers.swap_remove(place))),
        None => Err(TransportErrorKind::missing_batch_response(id)),
    }
}
