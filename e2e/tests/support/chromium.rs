//! Chromium with a window that nobody sees, driven through chromedriver.

use super::browser::client;
use super::program;
use super::wait::until;
use serde_json::json;
use std::future::Future;
use std::process::{Child, Command, Stdio};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, DesiredCapabilities, WebDriver, WebElement};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Browsers that run at once, whatever many tests do.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// How a browser is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Without JavaScript.
    pub plain: bool,
    /// A narrow screen.
    pub phone: bool,
    /// A screen of so many pixels across, narrower than a window can be.
    pub narrow: Option<u32>,
}

/// chromedriver; it takes its browsers with it.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser with a profile of its own. Fields are dropped in this order: the session ends before its service.
pub struct Chromium {
    /// For whatever has no words here.
    pub driver: WebDriver,
    _service: Service,
    _profile: tempfile::TempDir,
    _permit: Option<SemaphorePermit<'static>>,
}

impl Chromium {
    /// A computer.
    pub async fn start(setup: Setup) -> Chromium {
        let permit = BROWSERS.acquire().await.expect("a permit");
        Chromium::open_one(setup, Some(permit)).await
    }

    /// A computer and a phone. Both permits are taken at once, so that no two tests wait for each other.
    pub async fn pair() -> (Chromium, Chromium) {
        let mut permit = BROWSERS.acquire_many(2).await.expect("permits");
        let second = permit.split(1);
        let computer = Chromium::open_one(Setup::default(), Some(permit)).await;
        let phone = Setup {
            phone: true,
            ..Setup::default()
        };
        (computer, Chromium::open_one(phone, second).await)
    }

    async fn open_one(setup: Setup, permit: Option<SemaphorePermit<'static>>) -> Chromium {
        let port = program::ports(1);
        let service = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let service = Service(service.expect("chromedriver is installed (./test installs it)"));
        let address = format!("http://127.0.0.1:{port}");
        let profile = tempfile::tempdir().expect("a folder");
        let capabilities = capabilities(setup, profile.path().to_str().expect("a path"));
        until("chromedriver to answer", || async {
            let answer = client().get(format!("{address}/status")).send().await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await;
        let driver = WebDriver::new(&address, capabilities)
            .await
            .expect("Chromium starts");
        Chromium {
            driver,
            _service: service,
            _profile: profile,
            _permit: permit,
        }
    }

    /// Ends the session politely.
    pub async fn quit(self) {
        self.driver.quit().await.expect("Chromium ends");
    }

    /// How wide the page is, in pixels; wider than the screen, it is scrolled sideways.
    pub async fn scroll_width(&self) -> u64 {
        let script = "return document.documentElement.scrollWidth";
        let found = self.driver.execute(script, vec![]).await;
        let found = found.expect("a script runs");
        found.json().as_u64().expect("a number")
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.expect("the page opens");
    }

    async fn visible(&self, xpath: &str) -> Option<WebElement> {
        let found = self
            .driver
            .find_all(By::XPath(xpath))
            .await
            .unwrap_or_default();
        for element in found {
            if element.is_displayed().await.unwrap_or(false) {
                return Some(element);
            }
        }
        None
    }

    /// What the page is, for messages.
    async fn shown(&self) -> String {
        let url = self
            .driver
            .current_url()
            .await
            .map(|url| url.to_string())
            .unwrap_or_default();
        let heading = self.maybe("//h1").await.unwrap_or_default();
        let say = self
            .maybe("//*[@data-testid='problem-code']")
            .await
            .unwrap_or_default();
        format!("the page is {heading:?} {say} at {url}")
    }

    async fn maybe(&self, xpath: &str) -> Option<String> {
        self.visible(xpath).await?.text().await.ok()
    }

    async fn find(&self, what: &str, xpath: &str) -> WebElement {
        until(what, || async {
            match self.visible(xpath).await {
                Some(element) => Ok(element),
                None => Err(self.shown().await),
            }
        })
        .await
    }

    /// Waits for the page with this heading.
    pub async fn heading(&self, text: &str) {
        until(&format!("the heading {text:?}"), || async {
            match self.maybe("//h1").await.as_deref() {
                Some(shown) if shown == text => Ok(()),
                _ => Err(self.shown().await),
            }
        })
        .await;
    }

    /// Waits for the text with this handle.
    pub async fn test_id(&self, id: &str) -> String {
        let xpath = format!("//*[@data-testid='{id}']");
        until(&format!("data-testid={id}"), || async {
            match self.maybe(&xpath).await {
                Some(text) => Ok(text),
                None => Err(self.shown().await),
            }
        })
        .await
    }

    /// Waits until the text with this handle holds a text.
    pub async fn test_id_holds(&self, id: &str, part: &str) -> String {
        let xpath = format!("//*[@data-testid='{id}']");
        until(&format!("{part:?} in data-testid={id}"), || async {
            match self.maybe(&xpath).await {
                Some(text) if text.contains(part) => Ok(text),
                other => Err(format!("{other:?}; {}", self.shown().await)),
            }
        })
        .await
    }

    /// Whether a button or link whose name holds the text can be seen now.
    pub async fn offers(&self, name: &str) -> bool {
        self.visible(&control(name, false)).await.is_some()
    }

    /// Presses the button or link of that name, else the first whose name holds it.
    pub async fn press(&self, name: &str) {
        until(
            &format!("a button or link {name:?} that can be pressed"),
            || async {
                let exact = self.visible(&control(name, true)).await;
                let element = match exact {
                    Some(element) => Some(element),
                    None => self.visible(&control(name, false)).await,
                };
                let Some(element) = element else {
                    return Err(self.shown().await);
                };
                // A page that has just been replaced makes elements stale; then it is looked again.
                match element.click().await {
                    Ok(()) => Ok(()),
                    Err(error) => Err(format!("{error}; {}", self.shown().await)),
                }
            },
        )
        .await;
    }

    /// Looks for an element and does something with it. A page that is being replaced makes elements stale; then it is
    /// looked again.
    async fn with<F>(&self, what: &str, xpath: &str, act: impl Fn(WebElement) -> F)
    where
        F: Future<Output = WebDriverResult<()>>,
    {
        until(what, || async {
            let Some(element) = self.visible(xpath).await else {
                return Err(self.shown().await);
            };
            act(element).await.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Waits for a button or link whose name holds the text.
    pub async fn sees(&self, name: &str) {
        self.with(
            &format!("a button or link {name:?}"),
            &control(name, false),
            |_| async { Ok(()) },
        )
        .await;
    }

    /// Opens an address again and again until a page of it has that text.
    pub async fn open_until(&self, url: &str, part: &str) {
        until(&format!("{part:?} at {url}"), || async {
            self.open(url).await;
            match self.text().await {
                text if text.contains(part) => Ok(()),
                text => Err(text),
            }
        })
        .await;
    }

    /// Types into the text box with this label.
    pub async fn fill(&self, label: &str, text: &str) {
        let xpath = format!(
            "//*[@id=//label[normalize-space(.)={}]/@for]",
            quoted(label)
        );
        self.with(
            &format!("the text box {label:?}"),
            &xpath,
            |field| async move {
                field.clear().await?;
                field.send_keys(text).await
            },
        )
        .await;
    }

    /// Chooses the radio button whose label holds the text.
    pub async fn choose(&self, label: &str) {
        let xpath = format!("//label[contains(normalize-space(.), {})]", quoted(label));
        self.with(
            &format!("the choice {label:?}"),
            &xpath,
            |choice| async move { choice.click().await },
        )
        .await;
    }

    /// Whether that radio button is chosen.
    pub async fn chosen(&self, label: &str) -> bool {
        let xpath = format!(
            "//*[@id=//label[contains(normalize-space(.), {})]/@for]",
            quoted(label)
        );
        let element = self.find(&format!("the choice {label:?}"), &xpath).await;
        element.is_selected().await.expect("a radio button")
    }

    /// The text of the whole page.
    pub async fn text(&self) -> String {
        self.find("a page", "//body")
            .await
            .text()
            .await
            .unwrap_or_default()
    }

    /// Waits for a page with that text; the one before may still be there.
    pub async fn text_holds(&self, part: &str) {
        until(&format!("{part:?} on the page"), || async {
            match self.text().await {
                text if text.contains(part) => Ok(()),
                text => Err(text),
            }
        })
        .await;
    }

    /// Waits for a page of that origin.
    pub async fn lands_at(&self, origin: &str) {
        until(&format!("a page of {origin}"), || async {
            match self.url().await.starts_with(origin) {
                true => Ok(()),
                false => Err(self.shown().await),
            }
        })
        .await;
    }

    /// The address of the page.
    pub async fn url(&self) -> String {
        self.driver.current_url().await.expect("an address").into()
    }
}

/// Text in an XPath expression; none here has both kinds of quotes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    format!("{quote}{text}{quote}")
}

fn control(name: &str, exact: bool) -> String {
    let name = quoted(name);
    let fits = match exact {
        true => format!("normalize-space(.)={name}"),
        false => format!("contains(normalize-space(.), {name})"),
    };
    format!("//button[{fits}] | //a[@href][{fits}]")
}

fn capabilities(setup: Setup, profile: &str) -> impl Into<thirtyfour::Capabilities> + use<> {
    let mut capabilities = DesiredCapabilities::chrome();
    let size = if setup.phone { "412,915" } else { "1200,900" };
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--no-first-run".to_owned(),
        "--no-proxy-server".to_owned(),
        "--lang=en-SG".to_owned(),
        format!("--window-size={size}"),
        format!("--user-data-dir={profile}"),
    ];
    for argument in &arguments {
        capabilities.add_arg(argument).expect("an argument");
    }
    let mut prefs = json!({ "credentials_enable_service": false, "profile.password_manager_leak_detection": false });
    if setup.plain {
        prefs["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    capabilities
        .add_experimental_option("prefs", prefs)
        .expect("preferences");
    if let Some(width) = setup.narrow {
        let screen =
            json!({ "deviceMetrics": { "width": width, "height": 800, "pixelRatio": 1.0 } });
        capabilities
            .add_experimental_option("mobileEmulation", screen)
            .expect("a screen");
    }
    capabilities
}
