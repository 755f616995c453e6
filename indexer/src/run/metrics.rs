//! What an indexer says of itself, for Prometheus: read when it is asked for, kept nowhere else.

use std::{collections::BTreeMap, fmt};

use bursar_sdk::clock::Clock;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use tokio::sync::watch;

use super::{Phase, Status, tail::Tally};
use crate::{source::Sources, store::Store};

/// Reads how an indexer is doing at each scrape. Heights are block numbers, times unix seconds.
#[derive(Debug)]
pub struct Metrics {
    pub(super) status: watch::Receiver<Status>,
    pub(super) sources: Sources,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) heard: Tally,
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.status.borrow().clone();
        let lag_seconds = status.indexed_at.map(|at| self.clock.now().saturating_sub(at));
        let gauges = [
            ("head_block", "The chain's head as last seen", status.head),
            ("indexed_block", "The last block in the ledger", status.indexed),
            (
                "final_block",
                "The last block that no reorg may take back",
                status.indexed.map(|_| status.final_number),
            ),
            (
                "safe_block",
                "The last block that is unlikely to be taken back",
                status.indexed.map(|_| status.safe_number),
            ),
            ("lag_blocks", "Blocks that the ledger is behind the head", status.lag()),
            ("lag_seconds", "Seconds since the time of the last block in the ledger", lag_seconds),
        ];
        for (name, help, value) in gauges {
            // What is not known yet is not told: zero would look like a height.
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let calls = self.sources.calls();
        let counters = [
            ("reorgs", "How often the chain turned", status.reorgs),
            ("safe_reorgs", "How often that took back what had been safe", status.safe_reorgs),
            (
                "helped_ranges",
                "Ranges of backfills that indexers which stood by have fetched for this one",
                status.helped,
            ),
            ("waits", "How often the indexer had to wait because of trouble", status.waits),
            (
                "rows",
                "Rows written to the ledger, those of its journal and its outbox among them",
                self.store.rows_written(),
            ),
            (
                "set_aside",
                "Logs that concern us and make no sense, kept aside for somebody to look at",
                self.store.logs_set_aside(),
            ),
            (
                "rpc_retries",
                "Questions asked again after a failure, of the same node or of another",
                calls.again,
            ),
            (
                "heard_blocks",
                "Blocks heard at the head while the ledger was far behind it",
                self.heard.blocks(),
            ),
            ("heard_payments", "Payments that these held", self.heard.payments()),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let phases = Phase::ALL.map(|phase| (phase.code(), u64::from(phase == status.phase)));
        let gauge = ConstGauge::new(0_u64);
        let mut family =
            encoder.encode_descriptor("phase", "What the indexer is about", None, gauge.metric_type())?;
        for (phase, is) in phases {
            ConstGauge::new(is).encode(family.encode_family(&[("phase", phase)])?)?;
        }
        counted(
            &mut encoder,
            "rpc_calls",
            "Questions to the chain's nodes, retries among them",
            "method",
            &calls.asked,
        )?;
        counted(
            &mut encoder,
            "rpc_failures",
            "Answers of nodes that were none, or were not believed",
            "code",
            &calls.failed,
        )
    }
}

fn counted(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    counts: &BTreeMap<&'static str, u64>,
) -> fmt::Result {
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (value, count) in counts {
        ConstCounter::new(*count).encode(family.encode_family(&[(label, *value)])?)?;
    }
    Ok(())
}
