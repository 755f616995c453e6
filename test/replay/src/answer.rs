//! Answers as JSON, written straight into the body: a backfill asks for gigabytes.

use alloy::{
    consensus::Header,
    primitives::{B256, hex},
};

use crate::{
    body::{Body, Entry, Tx},
    chain::Block,
    setup::TOKEN,
};

/// JSON under construction.
#[derive(Debug, Default)]
pub(crate) struct Json(pub(crate) Vec<u8>);

impl Json {
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// `"0x..."`
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.raw("\"0x");
        let at = self.0.len();
        self.0.resize(at + 2 * bytes.len(), b'0');
        // The room is exactly what it takes.
        let _ = hex::encode_to_slice(bytes, &mut self.0[at..]);
        self.raw("\"")
    }

    /// `"0x1f"`
    pub(crate) fn quantity(&mut self, number: u64) -> &mut Self {
        let mut digits = [0; 16];
        // The room is exactly what it takes.
        let _ = hex::encode_to_slice(number.to_be_bytes(), &mut digits);
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(15);
        self.raw("\"0x");
        self.0.extend_from_slice(&digits[zeros..]);
        self.raw("\"")
    }

    fn hash(&mut self, name: &str, hash: B256) -> &mut Self {
        self.raw(",\"").raw(name).raw("\":").bytes(hash.as_slice())
    }

    fn number(&mut self, name: &str, number: u64) -> &mut Self {
        self.raw(",\"").raw(name).raw("\":").quantity(number)
    }

    /// Items of an array.
    pub(crate) fn list<T>(&mut self, of: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.raw("[");
        for (place, item) in of.into_iter().enumerate() {
            if place > 0 {
                self.raw(",");
            }
            each(self, item);
        }
        self.raw("]");
    }

    pub(crate) fn log(&mut self, block: &Block, tx: &Tx, index: u64, log: &Entry, timestamps: bool) {
        let number = block.shape.number;
        self.raw("{\"address\":").bytes(log.address.as_slice()).raw(",\"topics\":");
        self.list(log.data.topics(), |json, topic| {
            json.bytes(topic.as_slice());
        });
        self.raw(",\"data\":").bytes(&log.data.data).number("blockNumber", number);
        if timestamps {
            self.number("blockTimestamp", block.at);
        }
        self.hash("blockHash", block.hash)
            .hash("transactionHash", tx.hash)
            .number("transactionIndex", log.tx as u64)
            .number("logIndex", index)
            .raw(",\"removed\":false}");
    }

    pub(crate) fn transaction(&mut self, chain_id: u64, block: &Block, body: &Body, place: usize) {
        let tx = &body.txs[place];
        self.raw("{\"type\":\"0x2\",\"value\":\"0x0\",\"accessList\":[],\"gas\":\"0x186a0\"")
            .raw(",\"gasPrice\":\"0x1e8480\",\"maxFeePerGas\":\"0x1e8480\",\"maxPriorityFeePerGas\":\"0xf4240\"")
            .raw(",\"v\":\"0x1\",\"yParity\":\"0x1\",\"r\":\"0x1\",\"s\":\"0x2\"")
            .hash("hash", tx.hash)
            .hash("blockHash", block.hash)
            .number("blockNumber", block.shape.number)
            .number("transactionIndex", place as u64)
            .number("nonce", block.shape.number)
            .number("chainId", chain_id)
            .raw(",\"from\":")
            .bytes(tx.sender.as_slice())
            .raw(",\"to\":")
            .bytes(tx.to.as_slice())
            .raw(",\"input\":")
            .bytes(&body.input(place))
            .raw("}");
    }

    pub(crate) fn block(&mut self, chain_id: u64, block: &Block, header: &Header, body: &Body, full: bool) {
        self.raw(
            "{\"difficulty\":\"0x0\",\"totalDifficulty\":\"0x0\",\"extraData\":\"0x\",\"size\":\"0x400\"",
        )
        .raw(",\"nonce\":\"0x0000000000000000\",\"uncles\":[],\"miner\":")
        .bytes(header.beneficiary.as_slice())
        .raw(",\"logsBloom\":")
        .bytes(header.logs_bloom.as_slice())
        .hash("hash", block.hash)
        .hash("parentHash", header.parent_hash)
        .hash("sha3Uncles", header.ommers_hash)
        .hash("stateRoot", header.state_root)
        .hash("transactionsRoot", header.transactions_root)
        .hash("receiptsRoot", header.receipts_root)
        .hash("mixHash", header.mix_hash)
        .number("number", header.number)
        .number("gasLimit", header.gas_limit)
        .number("gasUsed", header.gas_used)
        .number("timestamp", header.timestamp)
        .number("baseFeePerGas", header.base_fee_per_gas.unwrap_or_default())
        .raw(",\"transactions\":");
        self.list(0..body.txs.len(), |json, place| {
            if full {
                json.transaction(chain_id, block, body, place);
            } else {
                json.bytes(body.txs[place].hash.as_slice());
            }
        });
        self.raw("}");
    }

    pub(crate) fn receipt(&mut self, block: &Block, body: &Body, logs: &[Entry], place: usize) {
        let tx = &body.txs[place];
        self.raw("{\"contractAddress\":null,\"status\":\"0x1\",\"type\":\"0x2\",\"gasUsed\":\"0x14c08\"")
            .raw(",\"effectiveGasPrice\":\"0x1e8480\",\"logsBloom\":")
            .bytes(&[0; 256])
            .number("cumulativeGasUsed", 85_000 * (place as u64 + 1))
            .hash("transactionHash", tx.hash)
            .number("transactionIndex", place as u64)
            .hash("blockHash", block.hash)
            .number("blockNumber", block.shape.number)
            .raw(",\"from\":")
            .bytes(tx.sender.as_slice())
            .raw(",\"to\":")
            .bytes(TOKEN.as_slice())
            .raw(",\"logs\":");
        let own = (0u64..).zip(logs).filter(|(_, log)| log.tx == place);
        self.list(own, |json, (index, log)| json.log(block, tx, index, log, true));
        self.raw("}");
    }
}
