//! The two configuration files of a demonstration. They are written into its data directory, where anybody may read them.

use super::{Origins, tls};
use std::path::Path;

/// What both configurations say alike.
fn common(origins: &Origins, data: &Path, role: &str, files: Option<&tls::Files>) -> String {
    let issuers = format!("[{:?}, {:?}]", origins.techpass(), origins.wog());
    let path = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let (database, key) = (
        data.join(format!("{role}.db")),
        data.join(format!("{role}-master.key")),
    );
    let tls = files.map_or(String::new(), |files| {
        format!(
            "\n[tls]\ncertificate_file = {}\nkey_file = {}\n",
            path(&files.certificate),
            path(&files.key)
        )
    });
    let ca = files.map_or(String::new(), |files| {
        format!("ca_file = {}\n", path(&files.ca))
    });
    format!(
        r#"role = "{role}"

[database]
url = {database}

[secrets]
master_key_file = {key}

[outbound]
allow_private = true
{ca}
[registration]
open = true
allow_http = true
test = true
development = true

[limits.number]
short_max = 1000
long_max = 10000

[limits.circles]
max = 100

[authenticator]
public_url = "{authenticator}"
issuers = {issuers}
"#,
        database = toml::Value::String(format!("sqlite:{}", database.display())),
        key = path(&key),
        authenticator = origins.authenticator(),
    ) + match role {
        "wog" => "label = \"SG Govt M365\"\norganisation = \"Agency (WOG)\"\n",
        _ => "label = \"TechPass\"\norganisation = \"TechPass\"\n",
    } + &tls
}

/// WOG's.
pub fn wog(origins: &Origins, data: &Path, files: Option<&tls::Files>) -> String {
    format!(
        r#"# WOG, the officers' home organisation, as the demonstration runs it.
public_url = "{public}"
listen = "{listen}"
{common}
[brand]
name = "WOG"
demonstration = true
help = "the demonstration's help desk"

[accounts]
usual_kind = "officer"
security_mail = "security@agency.example"
"#,
        public = origins.wog(),
        listen = origins.listen(2),
        common = common(origins, data, "wog", files),
    )
}

/// TechPass's.
pub fn techpass(origins: &Origins, data: &Path, files: Option<&tls::Files>) -> String {
    let secret = toml::Value::String(data.join("wog-client.secret").display().to_string());
    format!(
        r#"# TechPass as the demonstration runs it.
public_url = "{public}"
listen = "{listen}"
{common}
[brand]
name = "TechPass"
demonstration = true
help = "the demonstration's help desk"

[accounts]
usual_kind = "vendor"
security_mail = "security@techpass.example"

[device_grant]
enabled = true

[[upstream]]
id = "wog"
name = "WOG"
issuer = "{wog}"
client_id = "techpass"
client_secret_file = {secret}
domains = ["agency.example"]

# Automated tests sign in as Probe with the password alone, to clients marked `test`.
[[access.rules]]
name = "Probe for test clients"
kinds = ["product"]
test_clients_only = true
then = {{ require = ["password"] }}

[[access.rules]]
name = "Product accounts by password and number"
kinds = ["product"]
then = {{ require = ["password", "number"] }}

[[access.rules]]
name = "Everybody else by password and number"
kinds = ["vendor", "temp", "other", "operator"]
then = {{ require = ["password", "number"] }}
"#,
        public = origins.techpass(),
        listen = origins.listen(1),
        common = common(origins, data, "techpass", files),
        wog = origins.wog(),
    )
}
