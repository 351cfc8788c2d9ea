//! What the server counts. Labels have few values that the program itself chooses: never a person, never a client, never
//! anything that was sent.

use crate::app::{App, Error};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use techpass_store::keeping::Waiting;

/// Seconds a request may take, as OpenTelemetry's conventions for HTTP advise.
const REQUEST_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Seconds a commit may take.
const COMMIT_BUCKETS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0,
];
/// Seconds a person may take to sign in.
const SIGN_IN_BUCKETS: [f64; 9] = [0.5, 2.0, 5.0, 10.0, 20.0, 40.0, 90.0, 300.0, 1800.0];

type Labelled<L> = Family<L, Counter>;
type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// A request, by its route's pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The pattern, such as `/s/{address}`; `other` where there is none.
    pub http_route: String,
    /// The method; `_OTHER` when it is none of the usual.
    pub http_request_method: &'static str,
    /// The status.
    pub http_response_status_code: u16,
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SignInLabels {
    /// `ok`, `denied` or `abandoned`.
    pub result: &'static str,
    /// `gsib`, `gmd`, `se-gsib`, `upstream` or `vendor`.
    pub path: &'static str,
    /// The problem's code, or what the application was told.
    pub code: &'static str,
}

/// How long a successful sign-in took.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PathLabel {
    /// As in [`SignInLabels`].
    pub path: &'static str,
}

/// What a person was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ChallengeLabels {
    /// `password`, `code`, `number` or `upstream`.
    pub kind: &'static str,
    /// `right`, `wrong`, `declined`, `reported`, `refused`, `limited` or `sent`.
    pub outcome: &'static str,
}

/// A request to the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TokenLabels {
    /// The grant type, `other` when it is none that is known.
    pub grant: &'static str,
    /// `ok`, `refused` or `error`.
    pub result: &'static str,
}

/// One of a few kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    /// Which.
    pub kind: &'static str,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// Which.
    pub outcome: &'static str,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BucketLabel {
    /// Which.
    pub bucket: &'static str,
}

/// A signing key's age.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    alg: String,
    state: String,
}

/// All of them.
pub struct Metrics {
    registry: Registry,
    /// What is read from the database when somebody asks.
    of_database: Registry,
    /// Requests.
    pub requests: Timed<RequestLabels>,
    /// Sign-ins begun.
    pub sign_ins_begun: Counter,
    /// Sign-ins ended.
    pub sign_ins: Labelled<SignInLabels>,
    /// How long they took, the person included.
    pub sign_in_seconds: Timed<PathLabel>,
    /// What was asked of people.
    pub challenges: Labelled<ChallengeLabels>,
    /// Requests for tokens.
    pub tokens: Labelled<TokenLabels>,
    /// Requests turned away because one source asked too often.
    pub limited: Labelled<BucketLabel>,
    /// Requests turned away because too much was under way.
    pub shed: Labelled<KindLabel>,
    /// Log-out notices, by what came of a try.
    pub notices: Labelled<OutcomeLabel>,
    /// Browsers and phones that wait.
    pub waiting: Family<KindLabel, Gauge>,
    /// Commits.
    pub commits: Commits,
    /// Password work.
    pub passwords: PasswordMetrics,
    scraped: Scraped,
}

/// How commits go.
#[derive(Clone)]
pub struct Commits {
    seconds: Histogram,
    waiting: Gauge,
}

impl techpass_store::Observer for Commits {
    fn begun(&self) {
        self.waiting.inc();
    }

    fn ended(&self, took: Duration) {
        self.waiting.dec();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// How password work goes.
#[derive(Clone)]
pub struct PasswordMetrics {
    /// Seconds of one check, waiting not included.
    pub seconds: Histogram,
    /// Checks that wait or are under way.
    pub queue: Gauge,
}

impl Default for PasswordMetrics {
    fn default() -> Self {
        PasswordMetrics {
            seconds: Histogram::new(REQUEST_BUCKETS),
            queue: Gauge::default(),
        }
    }
}

/// How long the database may take to say what only it knows.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// What is read when somebody asks.
#[derive(Default)]
struct Scraped {
    outbox: Family<KindLabel, Gauge>,
    outbox_age: Family<KindLabel, Gauge>,
    keys: Family<KeyLabels, Gauge>,
    pieces: Gauge,
    groups: Gauge,
    ready: Gauge,
    schema: Gauge,
    backup: Gauge,
    memory: Gauge,
    files: Gauge,
    started: Gauge<f64, AtomicU64>,
}

fn request_seconds() -> Histogram {
    Histogram::new(REQUEST_BUCKETS)
}

fn sign_in_seconds() -> Histogram {
    Histogram::new(SIGN_IN_BUCKETS)
}

impl Metrics {
    /// All at zero. `started_s` is when the process began, in Unix seconds.
    pub fn new(started_s: i64) -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::default(),
            of_database: Registry::default(),
            requests: Family::new_with_constructor(request_seconds),
            sign_ins_begun: Counter::default(),
            sign_ins: Family::default(),
            sign_in_seconds: Family::new_with_constructor(sign_in_seconds),
            challenges: Family::default(),
            tokens: Family::default(),
            limited: Family::default(),
            shed: Family::default(),
            notices: Family::default(),
            waiting: Family::default(),
            commits: Commits {
                seconds: Histogram::new(COMMIT_BUCKETS),
                waiting: Gauge::default(),
            },
            passwords: PasswordMetrics::default(),
            scraped: Scraped::default(),
        };
        metrics.register();
        metrics.register_work();
        metrics.register_scraped();
        metrics.register_of_database();
        metrics
            .scraped
            .started
            .set(f64::from(i32::try_from(started_s).unwrap_or(i32::MAX)));
        metrics
    }

    fn register(&mut self) {
        let mut registry = Registry::default();
        let r = &mut registry;
        r.register(
            "http_server_request_duration_seconds",
            "Time until the answer began",
            self.requests.clone(),
        );
        r.register(
            "techpass_signin_begun",
            "Sign-ins begun",
            self.sign_ins_begun.clone(),
        );
        r.register("techpass_signin", "Sign-ins ended", self.sign_ins.clone());
        r.register(
            "techpass_signin_duration_seconds",
            "Time of a successful sign-in, the person included",
            self.sign_in_seconds.clone(),
        );
        r.register(
            "techpass_challenge",
            "What was asked of people, and what came of it",
            self.challenges.clone(),
        );
        r.register(
            "techpass_tokens_issued",
            "Requests for tokens",
            self.tokens.clone(),
        );
        r.register(
            "techpass_ratelimit_rejected",
            "Requests turned away because one source asked too often",
            self.limited.clone(),
        );
        r.register(
            "techpass_load_shed",
            "Requests turned away because too much was under way",
            self.shed.clone(),
        );
        r.register(
            "techpass_logout_notifications",
            "Log-out notices to applications, by what came of a try",
            self.notices.clone(),
        );
        r.register(
            "techpass_status_streams",
            "Browsers and phones that wait for something to happen",
            self.waiting.clone(),
        );
        self.registry = registry;
    }

    fn register_work(&mut self) {
        let r = &mut self.registry;
        r.register(
            "techpass_db_commit_seconds",
            "Time from handing a commit in to its answer",
            self.commits.seconds.clone(),
        );
        r.register(
            "techpass_db_commits_waiting",
            "Commits handed in and not answered",
            self.commits.waiting.clone(),
        );
        r.register(
            "techpass_password_hash_seconds",
            "Time of one password check, waiting not included",
            self.passwords.seconds.clone(),
        );
        r.register(
            "techpass_password_hash_queue",
            "Password checks that wait or are under way",
            self.passwords.queue.clone(),
        );
    }

    fn register_of_database(&mut self) {
        let (r, scraped) = (&mut self.of_database, &self.scraped);
        r.register(
            "techpass_outbox_waiting",
            "What is to be delivered",
            scraped.outbox.clone(),
        );
        r.register(
            "techpass_outbox_oldest_seconds",
            "Age of the oldest that is to be delivered",
            scraped.outbox_age.clone(),
        );
        r.register(
            "techpass_signing_key_age_seconds",
            "Age of the youngest signing key of its kind",
            scraped.keys.clone(),
        );
        r.register(
            "techpass_migration_version",
            "The schema's version",
            scraped.schema.clone(),
        );
        r.register(
            "techpass_backup_last_success_timestamp_seconds",
            "When the last backup was made; 0 for never",
            scraped.backup.clone(),
        );
    }

    fn register_scraped(&mut self) {
        let (r, scraped) = (&mut self.registry, &self.scraped);
        r.register(
            "techpass_ready",
            "Whether people can sign in here, as readiness says",
            scraped.ready.clone(),
        );
        r.register(
            "techpass_db_pieces",
            "Commits answered since the start",
            scraped.pieces.clone(),
        );
        r.register(
            "techpass_db_groups",
            "Transactions that served them; pieces by groups is the size of a group",
            scraped.groups.clone(),
        );
        r.register(
            "process_resident_memory_bytes",
            "Memory in use",
            scraped.memory.clone(),
        );
        r.register("process_open_fds", "Open files", scraped.files.clone());
        r.register(
            "process_start_time_seconds",
            "When the process began",
            scraped.started.clone(),
        );
        let build = Info::new([("version", crate::VERSION), ("commit", crate::commit())]);
        r.register("techpass_build", "The program", build);
    }

    /// Counts something asked of a person.
    pub fn challenge(&self, kind: &'static str, outcome: &'static str) {
        let labels = ChallengeLabels { kind, outcome };
        self.challenges.get_or_create(&labels).inc();
    }

    /// Counts a request to the token endpoint.
    pub fn token(&self, form: &str, status: http::StatusCode) {
        let asked = url::form_urlencoded::parse(form.as_bytes());
        let asked = asked.into_iter().find(|(name, _)| name == "grant_type");
        let labels = TokenLabels {
            grant: asked.map_or("other", |(_, value)| grant_name(&value)),
            result: match status.as_u16() {
                200..300 => "ok",
                500.. => "error",
                _ => "refused",
            },
        };
        self.tokens.get_or_create(&labels).inc();
    }

    /// Counts a try to deliver something of a kind; those of log-out notices are shown.
    pub fn delivery(&self, kind: &str, outcome: &'static str) {
        if kind == crate::oidc::backchannel::KIND {
            self.notices.get_or_create(&OutcomeLabel { outcome }).inc();
        }
    }

    /// Counts a request that one source may not make now.
    pub fn rejected(&self, bucket: &'static str) {
        self.limited.get_or_create(&BucketLabel { bucket }).inc();
    }

    /// Counts a request that is one too many.
    pub fn refused(&self, kind: &'static str) {
        self.shed.get_or_create(&KindLabel { kind }).inc();
    }
}

/// The metrics as text (OpenMetrics 1.0, which Prometheus reads). What only the database knows is left out while it does
/// not answer, and the reason comes beside the text.
pub async fn scrape(app: &App, ready: bool) -> Result<(String, Option<String>), Error> {
    let metrics = &app.metrics;
    let scraped = &metrics.scraped;
    let counters = app.store.counters();
    let wide = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    scraped.pieces.set(wide(counters.pieces));
    scraped.groups.set(wide(counters.groups));
    let (memory, files) = process();
    scraped.memory.set(memory);
    scraped.files.set(files);
    scraped.ready.set(i64::from(ready));
    let asked = tokio::time::timeout(DATABASE_WAIT, ask(app)).await;
    let missing = match asked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(crate::web::page::chain(&error)),
        Err(_) => Some("the database does not answer in time".to_owned()),
    };
    let mut out = String::new();
    let mut written = text::encode_registry(&mut out, &metrics.registry);
    if missing.is_none() {
        written = written.and_then(|()| text::encode_registry(&mut out, &metrics.of_database));
    }
    written
        .and_then(|()| text::encode_eof(&mut out))
        .map_err(|_| Error::internal("the metrics cannot be written"))?;
    Ok((out, missing))
}

/// Reads what only the database knows.
async fn ask(app: &App) -> Result<(), Error> {
    let scraped = &app.metrics.scraped;
    let now = app.now();
    let queued = app.store.outbox_waiting().await?;
    for kind in [crate::oidc::backchannel::KIND, crate::mail::KIND] {
        let found = queued.iter().find(|waiting| waiting.kind == kind);
        let (count, age) = found.map_or((0, 0), |Waiting { count, oldest, .. }| {
            (*count, now.since(*oldest).max(0))
        });
        let label = KindLabel { kind };
        scraped.outbox.get_or_create(&label).set(count);
        scraped.outbox_age.get_or_create(&label).set(age);
    }
    scraped.keys.clear();
    for key in app.store.keys().await? {
        // The youngest comes last.
        let labels = KeyLabels {
            alg: key.alg,
            state: key.state,
        };
        let age = now.since(key.created_at).max(0);
        scraped.keys.get_or_create(&labels).set(age);
    }
    scraped.schema.set(app.store.schema_version().await?);
    let backup = app.store.backed_up_at().await?;
    scraped.backup.set(backup.map_or(0, |at| at.0));
    Ok(())
}

/// A grant type of the specifications, else `other`.
fn grant_name(sent: &str) -> &'static str {
    const KNOWN: [&str; 5] = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ];
    KNOWN
        .into_iter()
        .find(|known| *known == sent)
        .unwrap_or("other")
}

/// Memory in bytes and open files, where the system tells.
fn process() -> (i64, i64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| {
        let kilobytes = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
        kilobytes.trim().parse::<i64>().ok()
    });
    let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    (
        resident.unwrap_or(0).saturating_mul(1024),
        i64::try_from(files).unwrap_or(0),
    )
}
