//! `techpass demo --check`: the seed's story, played by a browser without a window and phones on the command line.

use super::browser::{Browser, Page};
use super::people::{PASSWORD, PEOPLE, Person};
use super::world::World;
use crate::exit::Failure;
use crate::phone::Phone;
use crate::say::say;
use anyhow::{Context, Result, bail, ensure};

const MEI: &str = "mei.tan@agency.example";
const ARJUN: &str = "arjun.nair@agency.example";
const SITI: &str = "siti_rahim@techpass.example";
const WEI: &str = "wei.lim@agency.example";

/// Plays it. A line per step on standard output; `false` at the first step that fails.
///
/// # Errors
/// When a line cannot be written.
pub async fn run(world: &World) -> Result<bool, Failure> {
    let Err(error) = play(world).await else {
        say!("ok    the story holds");
        return Ok(true);
    };
    let error = match error.downcast::<Failure>() {
        Ok(unheard) => return Err(unheard),
        Err(error) => error,
    };
    say!("FAIL  {error:#}");
    Ok(false)
}

fn step(text: &str) -> Result<(), Failure> {
    say!("ok    {text}");
    Ok(())
}

async fn play(world: &World) -> Result<()> {
    let mut player = Player {
        world,
        browser: Browser::new(world.ca.as_deref())?,
    };
    player.gsib().await.context("an officer on a non-SE GSIB")?;
    player
        .second_account()
        .await
        .context("a vendor beside the officer")?;
    player
        .log_out_with_a_choice()
        .await
        .context("log-out with a choice")?;
    let mut player = Player {
        world,
        browser: Browser::new(world.ca.as_deref())?,
    };
    player.gmd().await.context("an officer on a GMD")?;
    player.refusal().await.context("an SE GSIB is refused")
}

struct Player<'a> {
    world: &'a World,
    browser: Browser,
}

impl Player<'_> {
    async fn device(&mut self, class: &str, person: &str) -> Result<()> {
        let control = self.world.origins.control();
        let url = format!("{control}/device?class={class}&person={person}&return_to={control}/");
        let page = self.browser.open(&url).await?;
        ensure!(
            page.status == 200,
            "registering the computer answered {}",
            page.status
        );
        Ok(())
    }

    /// From the portal's front page to the first page of TechPass.
    async fn reach_techpass(&mut self) -> Result<Page> {
        let home = self.browser.open(&self.world.origins.docs_portal()).await?;
        let chooser = self.browser.press(&home, "Log in", &[]).await?;
        ensure!(
            chooser.offers("Log in with TechPass"),
            "the portal does not offer TechPass"
        );
        self.browser
            .press(&chooser, "Log in with TechPass", &[])
            .await
    }

    async fn sign_in_as(&mut self, page: Page, login_id: &str) -> Result<Page> {
        let page = match page.heading().as_str() {
            "Pick an account" => {
                self.browser
                    .press(&page, "Use another account", &[])
                    .await?
            }
            _ => page,
        };
        ensure!(
            page.heading() == "Sign in",
            "expected Sign in, got {:?}",
            page.heading()
        );
        self.browser
            .press(&page, "Next", &[("login_id", login_id)])
            .await
    }

    fn phone(&self, login_id: &str) -> Result<Phone> {
        let person: &Person = PEOPLE
            .iter()
            .find(|person| person.login_id == login_id)
            .context("nobody of that login ID")?;
        Phone::open_trusting(self.world.phone_path(person), self.world.ca.as_deref())
    }

    /// Types the number of this page on the phone and continues.
    async fn approve(&mut self, page: &Page, login_id: &str) -> Result<Page> {
        ensure!(
            page.heading() == "Approve sign in request",
            "expected a number, got {:?}",
            page.heading()
        );
        let number = page.test_id("match-number").context("no number is shown")?;
        ensure!(number.len() == 2, "the number has {} digits", number.len());
        self.phone(login_id)?.approve(login_id, &number).await?;
        self.browser.press(page, "I have approved it", &[]).await
    }

    fn signed_in(&self, page: &Page, login_id: &str) -> Result<()> {
        let menu = page.test_id("account-menu");
        let menu = menu.with_context(|| {
            format!("not signed in: {:?} at {}", page.heading(), page.url.path())
        })?;
        let origin = page.url.origin().ascii_serialization();
        ensure!(
            origin == self.world.origins.docs_portal(),
            "ended at {origin}"
        );
        let name = PEOPLE
            .iter()
            .find(|p| p.login_id == login_id)
            .map(|p| p.name);
        ensure!(
            name.is_some_and(|name| menu.contains(name)),
            "the portal shows {menu:?}"
        );
        Ok(())
    }

    async fn gsib(&mut self) -> Result<()> {
        self.device("non-se-gsib", MEI).await?;
        step("this browser is Mei Tan's non-SE GSIB")?;
        let page = self.reach_techpass().await?;
        step("the Docs portal leads to TechPass")?;
        let page = self.sign_in_as(page, MEI).await?;
        let at = page.url.origin().ascii_serialization();
        ensure!(
            at == self.world.origins.wog(),
            "the number is shown at {at}"
        );
        step("the login ID's domain leads to WOG, which asks for neither password nor code")?;
        let page = self.approve(&page, MEI).await?;
        self.signed_in(&page, MEI)?;
        step("the number typed on the phone signs Mei Tan in to the portal")?;
        Ok(())
    }

    /// The portal's own session ends, TechPass's stays; then somebody else signs in beside.
    async fn second_account(&mut self) -> Result<()> {
        let home = self.browser.open(&self.world.origins.docs_portal()).await?;
        let page = self.browser.press(&home, "Log Out", &[]).await?;
        ensure!(
            page.heading() == "Log out",
            "expected Log out, got {:?}",
            page.heading()
        );
        self.browser.press(&page, "Stay logged in", &[]).await?;
        step("Log Out asks which account, and staying ends nothing at TechPass")?;
        let page = self.reach_techpass().await?;
        ensure!(
            page.heading() == "Pick an account",
            "expected the picker, got {:?}",
            page.heading()
        );
        ensure!(page.offers(MEI), "the picker does not name {MEI}");
        step("the picker names the account that is signed in")?;
        let page = self.sign_in_as(page, SITI).await?;
        let page = self
            .browser
            .press(&page, "Sign in", &[("password", PASSWORD)])
            .await?;
        let page = self.approve(&page, SITI).await?;
        self.signed_in(&page, SITI)?;
        step("Siti Rahim signs in beside her by password and number")?;
        Ok(())
    }

    async fn log_out_with_a_choice(&mut self) -> Result<()> {
        let home = self.browser.open(&self.world.origins.docs_portal()).await?;
        let page = self.browser.press(&home, "Log Out", &[]).await?;
        let (name, value) = page.radio(SITI)?;
        page.radio(MEI)?;
        let page = self
            .browser
            .press(&page, "Log out", &[(&name, &value)])
            .await?;
        ensure!(
            page.heading() == "You are logged out",
            "expected the end, got {:?}",
            page.heading()
        );
        step("log-out ends the chosen account and says so")?;
        let page = self.reach_techpass().await?;
        ensure!(
            page.heading() == "Pick an account",
            "expected the picker, got {:?}",
            page.heading()
        );
        let page = self.browser.press(&page, MEI, &[]).await?;
        self.signed_in(&page, MEI)?;
        step("the other account still works, without signing in again")?;
        Ok(())
    }

    async fn gmd(&mut self) -> Result<()> {
        self.device("gmd", ARJUN).await?;
        let page = self.reach_techpass().await?;
        let page = self.sign_in_as(page, ARJUN).await?;
        ensure!(
            page.offers("Sign in"),
            "expected the code, got {:?}",
            page.heading()
        );
        let waiting = self.phone(ARJUN)?.requests(None).await?;
        ensure!(waiting.is_empty(), "the phone rang before the code");
        step("on Arjun Nair's GMD the verification code comes first, and no phone rings")?;
        let wrong = self
            .browser
            .press(&page, "Sign in", &[("code", "000000")])
            .await?;
        ensure!(
            wrong.status == 422,
            "a wrong code answered {}",
            wrong.status
        );
        step("a wrong code is refused")?;
        let code = self.phone(ARJUN)?.code(ARJUN, Some("SG Govt M365")).await?;
        let page = self
            .browser
            .press(&wrong, "Sign in", &[("code", &code)])
            .await?;
        let page = self.approve(&page, ARJUN).await?;
        self.signed_in(&page, ARJUN)?;
        step("code, then number, sign Arjun Nair in")?;
        let page = self.browser.press(&page, "Log Out", &[]).await?;
        let (name, value) = page.radio(ARJUN)?;
        self.browser
            .press(&page, "Log out", &[(&name, &value)])
            .await?;
        Ok(())
    }

    async fn refusal(&mut self) -> Result<()> {
        self.device("se-gsib", WEI).await?;
        let page = self.reach_techpass().await?;
        let page = self.sign_in_as(page, WEI).await?;
        let code = page.test_id("problem-code").unwrap_or_default();
        if code != "DEV-506" || page.test_id("reference").is_none() {
            bail!(
                "expected DEV-506 with a reference, got {code:?} on {:?}",
                page.heading()
            );
        }
        step("an SE GSIB is refused with DEV-506, reason, remedy and reference")?;
        let page = self.browser.press(&page, "Back to", &[]).await?;
        let origin = page.url.origin().ascii_serialization();
        ensure!(
            origin == self.world.origins.docs_portal(),
            "the way back ended at {origin}"
        );
        step("the way back leads to the portal, which is told")?;
        Ok(())
    }
}
