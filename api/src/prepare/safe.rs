//! A batch as the Safe's Transaction Builder imports it.

use alloy::primitives::{Address, B256, keccak256};
use serde_json::{Value, json};

use crate::model::transaction::Call;

/// The format's version, and that of the builder whose checksum this is.
const VERSION: &str = "1.0";
const BUILDER: &str = "1.16.5";

/// `created_at` in unix seconds.
pub(super) fn batch(chain_id: u64, from: Address, what: &str, calls: &[Call], created_at: u64) -> Value {
    let transactions: Vec<Value> = calls
        .iter()
        .map(|call| {
            json!({ "to": call.to, "value": call.value, "data": call.data, "contractMethod": null,
                    "contractInputsValues": null })
        })
        .collect();
    let mut batch = json!({
        "version": VERSION, "chainId": chain_id.to_string(), "createdAt": created_at.saturating_mul(1000),
        "meta": {
            "name": "Bursar", "description": what, "txBuilderVersion": BUILDER,
            "createdFromSafeAddress": from.to_checksum(None), "createdFromOwnerAddress": "",
        },
        "transactions": transactions,
    });
    batch["meta"]["checksum"] = json!(checksum(&batch));
    batch
}

/// What the builder recomputes, so that it warns where a file was changed: the name left out, keys in order.
fn checksum(batch: &Value) -> B256 {
    let mut nameless = batch.clone();
    nameless["meta"]["name"] = Value::Null;
    keccak256(serialized(&nameless))
}

fn serialized(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(serialized).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            let values: String = keys.iter().map(|key| serialized(&fields[*key]) + ",").collect();
            format!("{{{}{values}}}", json!(keys))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The builder's own test vector.
    #[test]
    fn the_checksum_is_the_builders() {
        let owner = "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6";
        let batch = json!({
            "version": "1.0", "chainId": "4", "createdAt": 1_646_321_521_061u64,
            "meta": {
                "name": "test batch file", "txBuilderVersion": "1.4.0", "checksum": "",
                "createdFromSafeAddress": "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa",
                "createdFromOwnerAddress": owner,
            },
            "transactions": [
                { "to": owner, "value": "0",
                  "contractMethod": {
                      "inputs": [{ "internalType": "address", "name": "paramAddress", "type": "address" }],
                      "name": "testAddress", "payable": false },
                  "contractInputsValues": { "paramAddress": owner } },
                { "to": owner, "value": "0",
                  "contractMethod": {
                      "inputs": [{ "internalType": "bool", "name": "paramBool", "type": "bool" }],
                      "name": "testBool", "payable": false },
                  "contractInputsValues": { "paramAddress": "", "paramBool": "false" } },
                { "to": owner, "value": "2000000000000000000",
                  "data": "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6" },
            ],
        });
        let known = "0x4ecbfd364aa6759983915644e73f8bd411e85a2dc306f252a387c2728c4db64c";
        assert_eq!(checksum(&batch).to_string(), known);
        let mut other = batch;
        other["transactions"][2]["value"] = json!("2000000000000000001");
        assert_ne!(checksum(&other).to_string(), known);
    }
}
