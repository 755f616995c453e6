//! Which lines are logged.

use bursar_sdk::telemetry::TARGET;
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, LevelFilter, filter_fn},
    layer::Filter,
};

/// What was asked for, without the spans of traces, which are not for logs. It says how much is let through at most:
/// without that word, every library puts together what it would say in detail, the bodies of answers among it.
pub(crate) fn filter<S: 'static>(asked: EnvFilter) -> impl Filter<S> {
    let no_traces = filter_fn(|told| told.target() != TARGET).with_max_level_hint(LevelFilter::TRACE);
    FilterExt::<S>::and(asked, no_traces)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    #[test]
    fn what_is_not_logged_is_not_put_together() {
        let most = |asked: &str| filter::<Registry>(EnvFilter::new(asked)).max_level_hint();
        assert_eq!(most("info,sqlx=warn,hyper=warn"), Some(LevelFilter::INFO));
        assert_eq!(most("error,x402_chain_eip155=off"), Some(LevelFilter::ERROR));
        assert_eq!(most("warn,bursar_indexer=debug"), Some(LevelFilter::DEBUG));
    }
}
