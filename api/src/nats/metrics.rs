use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Trouble;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    code: &'static str,
}

/// How publishing goes, for Prometheus. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    published: Counter,
    failures: Family<Failed, Counter>,
    behind: Gauge,
}

impl Metrics {
    /// Has it told with the others in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "nats_published",
            "Events that the stream has taken from this process",
            self.published.clone(),
        );
        registry.register("nats_failures", "Why events were not published, each time", self.failures.clone());
        registry.register(
            "nats_behind",
            "Events that no process has published yet, as this one last saw",
            self.behind.clone(),
        );
    }

    pub(super) fn published(&self) {
        self.published.inc();
    }

    pub(super) fn failed(&self, trouble: &Trouble) {
        self.failures.get_or_create(&Failed { code: trouble.code() }).inc();
    }

    pub(super) fn behind(&self, events: u64) {
        self.behind.set(i64::try_from(events).unwrap_or(i64::MAX));
    }
}
