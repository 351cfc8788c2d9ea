//! Logs on standard error, and traces to a collector where one is configured.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::io::IsTerminal;
use techpass_server::config::{Log, LogFormat, Traces};
use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Keeps traces flowing; what is left is sent when it is dropped.
pub struct Logging(Option<SdkTracerProvider>);

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // A collector that is gone does not hold the program up for long, nor change how it ends.
            let _ = provider.shutdown_with_timeout(std::time::Duration::from_secs(2));
        }
    }
}

/// Starts both. Call it outside of the runtime: the exporter has a thread of its own.
pub fn start(log: &Log, traces: &Traces) -> Logging {
    let (provider, trouble) = match provider(traces) {
        Ok(provider) => (provider, None),
        Err(reason) => (None, Some(reason)),
    };
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("techpass"))
            .with_filter(Targets::new().with_target("techpass_server", tracing::Level::INFO))
    });
    tracing_subscriber::registry()
        .with(lines(log))
        .with(spans)
        .init();
    if let Some(reason) = trouble {
        tracing::warn!("traces are not sent: {reason}");
    }
    Logging(provider)
}

/// Lines as the configuration says: readable on a terminal and JSON otherwise when it says nothing. `TECHPASS_LOG` chooses
/// what, before the configuration.
fn lines<S>(log: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let usual = || {
        let level = log.level.as_deref().unwrap_or("warn");
        EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("warn"))
    };
    let filter = EnvFilter::try_from_env("TECHPASS_LOG").unwrap_or_else(|_| usual());
    let terminal = std::io::stderr().is_terminal();
    let text = log
        .format
        .map_or(terminal, |format| format == LogFormat::Text);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if text {
        // https://no-color.org: present and not empty, whatever it is.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        layer
            .with_ansi(terminal && !plain)
            .with_filter(filter)
            .boxed()
    } else {
        layer
            .json()
            .with_span_list(false)
            .with_filter(filter)
            .boxed()
    }
}

/// What sends spans; `None` when nobody has asked for it.
fn provider(traces: &Traces) -> Result<Option<SdkTracerProvider>, String> {
    let in_environment = [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]
    .iter()
    .any(|name| says(name));
    let exporter = match &traces.otlp_endpoint {
        Some(endpoint) => SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .build(),
        None if in_environment => SpanExporter::builder().with_http().build(),
        None => return Ok(None),
    };
    let exporter = exporter.map_err(|error| error.to_string())?;
    // The builders read the environment; only where that says nothing are there a name and a share of our own.
    let mut resource = Resource::builder();
    if !says("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("techpass");
    }
    let mut provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build());
    if !says("OTEL_TRACES_SAMPLER") {
        let ratio = f64::from(traces.sampled_percent.min(100)) / 100.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
        provider = provider.with_sampler(sampler);
    }
    Ok(Some(provider.build()))
}

/// Whether a variable of the environment is there; an empty one is as good as none
/// (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
fn says(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
