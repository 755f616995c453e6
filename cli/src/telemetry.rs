//! Traces over OTLP, where somebody configured a collector: what follows a payment through SDK, API and indexer.
//!
//! Off unless `telemetry.otlp_endpoint` or OpenTelemetry's own variables name one; then no span is even made. A collector
//! that is away costs a warning: spans wait in a bounded queue, and what does not fit is dropped.

use std::{
    env,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use bursar_sdk::telemetry::TARGET;
use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    registry::LookupSpan,
};
use url::Url;

/// How long one batch may take, and how long a process waits at its end for the last one.
const PATIENCE: Duration = Duration::from_secs(10);
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// The exporter of this process.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts exporting, where there is somewhere to export to.
    ///
    /// # Errors
    /// When OpenTelemetry's variables ask for what there is not.
    pub(crate) fn start(configured: Option<&Url>) -> Result<Option<Self>> {
        let Some(endpoint) = endpoint(|name| env::var(name).ok(), configured)? else { return Ok(None) };
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the client of the collector")?;
        let away = Arc::new(AtomicBool::new(false));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { client, runtime: Handle::current(), away })
            .with_endpoint(endpoint.to_string())
            .build()
            .context("the exporter of traces")?;
        let named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name("bursar") };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        global::set_tracer_provider(provider.clone());
        Ok(Some(Self(provider)))
    }

    /// What hands spans on to it: those under [`TARGET`] and nothing else, so no log line, and no span of somebody else's
    /// library with whatever it holds.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(TARGET))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(
                filter_fn(|told| told.is_span() && told.target() == TARGET)
                    .with_max_level_hint(LevelFilter::INFO),
            )
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        // It waits for a thread of its own, which waits for this runtime.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST_PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces did not reach the collector");
        }
    }
}

/// Where traces go to, by OpenTelemetry's variables or our own setting; in this order, as everywhere.
fn endpoint(variable: impl Fn(&str) -> Option<String>, configured: Option<&Url>) -> Result<Option<Url>> {
    let given =
        |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if given("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"))
        || given("OTEL_TRACES_EXPORTER").is_some_and(|text| text == "none")
    {
        return Ok(None);
    }
    let url = |name: &str| -> Result<Option<Url>> {
        let Some(text) = given(name) else { return Ok(None) };
        // Not repeated: there may be a password in it.
        let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Some).with_context(|| format!("expected an http(s) address in {name}"))
    };
    let whole = url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")?;
    let base = url("OTEL_EXPORTER_OTLP_ENDPOINT")?.or_else(|| configured.cloned());
    let found = whole.or_else(|| base.map(below));
    let protocols = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    if let (Some(_), Some(got)) = (&found, protocols.into_iter().find_map(given))
        && got != "http/protobuf"
    {
        bail!("expected http/protobuf as OTEL_EXPORTER_OTLP_PROTOCOL, got {got:?}");
    }
    Ok(found)
}

/// The place of traces below a collector's address.
fn below(mut base: Url) -> Url {
    let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
    base.set_path(&path);
    base
}

/// The collector, asked by the client that this process has anyway, on its own runtime: the exporter's thread has none.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether that was said already.
    away: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (told, body) = request.into_parts();
        // Built anew: so a name and password in the address become a header.
        let request = self.client.request(told.method, told.uri.to_string()).headers(told.headers).body(body);
        let sending = self.runtime.spawn(async move {
            let answer = request.send().await?.error_for_status()?;
            let status = answer.status();
            reqwest::Result::Ok((status, answer.bytes().await?))
        });
        let (status, body) = match sending.await? {
            Ok(answer) => answer,
            Err(error) => {
                // Its address may hold a password.
                let error = error.without_url();
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the collector takes no traces; they are dropped meanwhile");
                }
                return Err(error.into());
            }
        };
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the collector takes traces again");
        }
        Ok(Response::builder().status(status).body(body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_opentelemetry_count_and_ours_where_they_say_nothing() -> Result<()> {
        let ours: Url = "https://ours.example/base/".parse()?;
        let asked = |set: &[(&str, &str)], ours: Option<&Url>| {
            let find =
                |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, text)| (*text).to_owned());
            endpoint(find, ours).map(|url| url.map(String::from)).map_err(|error| format!("{error:#}"))
        };
        let (base, whole) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        assert_eq!(asked(&[], None), Ok(None));
        assert_eq!(asked(&[(base, "")], None), Ok(None));
        assert_eq!(asked(&[], Some(&ours)), Ok(Some("https://ours.example/base/v1/traces".into())));
        let theirs = (base, "http://127.0.0.1:4318");
        assert_eq!(asked(&[theirs], Some(&ours)), Ok(Some("http://127.0.0.1:4318/v1/traces".into())));
        let exact = (whole, "http://127.0.0.1:4318/mine");
        assert_eq!(asked(&[theirs, exact], None), Ok(Some("http://127.0.0.1:4318/mine".into())));
        assert_eq!(asked(&[theirs, ("OTEL_SDK_DISABLED", "true")], Some(&ours)), Ok(None));
        assert_eq!(asked(&[theirs, ("OTEL_TRACES_EXPORTER", "none")], Some(&ours)), Ok(None));
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(asked(&[grpc], None), Ok(None));
        assert!(asked(&[theirs, grpc], None).is_err_and(|error| error.contains("got \"grpc\"")));
        for bad in ["127.0.0.1:4318", "ftp://ada:hunter2@127.0.0.1/", "://"] {
            let error = asked(&[(base, bad)], None).err().unwrap_or_default();
            assert!(error.contains(base) && !error.contains("hunter2"), "{error}");
        }
        Ok(())
    }
}
