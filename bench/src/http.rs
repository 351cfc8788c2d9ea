//! A small HTTP/1.1 client over one kept-alive connection, so that the generator costs little beside what it measures.

use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where to connect.
    pub address: SocketAddr,
    /// What `Host` says.
    pub host: String,
}

impl Site {
    /// `http://HOST`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.host)
    }
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    head: BytesMut,
    /// Its body.
    pub body: BytesMut,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Result<&str> {
        self.header("location").with_context(|| {
            format!(
                "status {} without a Location: {}",
                self.status,
                self.text().chars().take(300).collect::<String>()
            )
        })
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    /// The answer itself when its status is this one.
    pub fn expect(self, status: u16) -> Result<Answer> {
        if self.status == status {
            return Ok(self);
        }
        let text: String = self.text().chars().take(300).collect();
        bail!("status {} where {status} is expected: {text}", self.status)
    }
}

/// The lines of a head behind the first.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    headers(head).find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}

fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let text = std::str::from_utf8(head).unwrap_or_default();
    let lines = text.split("\r\n").skip(1);
    lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name, value.trim()))
    })
}

/// The path and query of an absolute URL; a path stays as it is.
pub fn path_of(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => url,
    }
}

/// The value of a parameter in a URL's query.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(found, value)| (found == name).then(|| value.into_owned()))
}

/// The text between two marks.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after)?.0)
}

/// One connection to one server, with a jar of cookies.
pub struct Wire {
    /// Where it leads.
    pub site: Arc<Site>,
    stream: Option<TcpStream>,
    input: BytesMut,
    output: Vec<u8>,
    jar: Vec<(String, String)>,
    again: bool,
}

impl Wire {
    /// Connects when it is first used.
    pub fn new(site: &Arc<Site>) -> Wire {
        Wire {
            site: Arc::clone(site),
            stream: None,
            input: BytesMut::with_capacity(16 * 1024),
            output: Vec::with_capacity(2048),
            jar: Vec::new(),
            again: true,
        }
    }

    /// Sends nothing twice, not even when the server closed an idle connection: without an answer nobody knows what
    /// became of a request.
    pub fn once(site: &Arc<Site>) -> Wire {
        Wire {
            again: false,
            ..Wire::new(site)
        }
    }

    /// The same browser in another tab: its cookies as they are now, on a connection of its own.
    pub fn tab(&self) -> Wire {
        Wire {
            jar: self.jar.clone(),
            again: self.again,
            ..Wire::new(&self.site)
        }
    }

    /// Another server of the same host from now on.
    pub fn lead_to(&mut self, site: &Arc<Site>) {
        if self.site.address != site.address {
            self.site = Arc::clone(site);
            self.stream = None;
        }
    }

    /// Another browser from now on.
    pub fn forget_cookies(&mut self) {
        self.jar.clear();
    }

    /// The jar as a header's value.
    pub fn cookies(&self) -> String {
        let pairs = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Puts a cookie into the jar.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        match self.jar.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.jar.push((name.to_owned(), value.to_owned())),
        }
    }

    /// GET.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.call("GET", path, &[], None).await
    }

    /// POST of a form.
    pub async fn post(&mut self, path: &str, form: &str) -> Result<Answer> {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.call("POST", path, &kind, Some(form)).await
    }

    /// Any request.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer> {
        self.write(method, path, headers, body);
        let fresh = self.stream.is_none();
        match self.exchange().await {
            Ok(answer) => Ok(answer),
            // The server may have closed a connection that was idle.
            Err(_) if !fresh && self.again => {
                self.stream = None;
                self.exchange().await
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) {
        let out = &mut self.output;
        out.clear();
        for part in [method, " ", path, " HTTP/1.1\r\nhost: ", &self.site.host] {
            out.extend_from_slice(part.as_bytes());
        }
        let mut glue = "\r\ncookie: ";
        for (name, value) in &self.jar {
            for part in [glue, name, "=", value] {
                out.extend_from_slice(part.as_bytes());
            }
            glue = "; ";
        }
        for (name, value) in headers {
            for part in ["\r\n", name, ": ", value] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if let Some(body) = body {
            out.extend_from_slice(format!("\r\ncontent-length: {}", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(body.unwrap_or_default().as_bytes());
    }

    async fn exchange(&mut self) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.site.address).await?,
        };
        self.input.clear();
        stream.write_all(&self.output).await?;
        let head = read_head(&mut stream, &mut self.input).await?;
        let status = status(&head)?;
        let body = read_body(&mut stream, &mut self.input, &head, status).await?;
        let closing = header(&head, "connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        if !closing {
            self.stream = Some(stream);
        }
        self.keep_cookies(&head);
        Ok(Answer { status, head, body })
    }

    fn keep_cookies(&mut self, head: &BytesMut) {
        let set = headers(head).filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        for (_, cookie) in set {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.set_cookie(name, value);
            }
        }
    }

    /// Opens a stream of server-sent events on a connection of its own.
    pub async fn events(&mut self, path: &str) -> Result<Events> {
        self.write("GET", path, &[("accept", "text/event-stream")], None);
        let mut stream = connect(self.site.address).await?;
        stream.write_all(&self.output).await?;
        let mut input = BytesMut::with_capacity(512);
        let head = read_head(&mut stream, &mut input).await?;
        if status(&head)? != 200 {
            bail!("the event stream was refused");
        }
        Ok(Events { stream, input })
    }
}

/// A stream of server-sent events.
pub struct Events {
    stream: TcpStream,
    input: BytesMut,
}

impl Events {
    /// Waits for the next event; comments that keep the connection alive are passed over.
    pub async fn next(&mut self) -> Result<()> {
        loop {
            if find(&self.input, b"data:").is_some() {
                self.input.clear();
                return Ok(());
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                bail!("the event stream ended");
            }
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

async fn read_head(stream: &mut TcpStream, input: &mut BytesMut) -> Result<BytesMut> {
    loop {
        if let Some(end) = find(input, b"\r\n\r\n") {
            let head = input.split_to(end);
            input.advance(4);
            return Ok(head);
        }
        more(stream, input).await?;
    }
}

async fn more(stream: &mut TcpStream, input: &mut BytesMut) -> Result<()> {
    input.reserve(4096);
    if stream.read_buf(input).await? == 0 {
        bail!("the server closed the connection");
    }
    Ok(())
}

fn status(head: &[u8]) -> Result<u16> {
    let digits = head.get(9..12).and_then(|d| std::str::from_utf8(d).ok());
    let status = digits.and_then(|digits| digits.parse().ok());
    status.context("the answer is not HTTP/1.1")
}

async fn read_body(
    stream: &mut TcpStream,
    input: &mut BytesMut,
    head: &[u8],
    status: u16,
) -> Result<BytesMut> {
    if let Some(length) = header(head, "content-length") {
        let length: usize = length.parse().context("Content-Length is no number")?;
        while input.len() < length {
            more(stream, input).await?;
        }
        return Ok(input.split_to(length));
    }
    if header(head, "transfer-encoding").is_some() {
        return read_chunks(stream, input).await;
    }
    match status {
        204 | 304 => Ok(BytesMut::new()),
        _ => bail!("the answer's length is not known"),
    }
}

async fn read_chunks(stream: &mut TcpStream, input: &mut BytesMut) -> Result<BytesMut> {
    let mut body = BytesMut::new();
    loop {
        let Some(end) = find(input, b"\r\n") else {
            more(stream, input).await?;
            continue;
        };
        let line = input.split_to(end);
        input.advance(2);
        let size = std::str::from_utf8(&line)
            .ok()
            .and_then(|text| usize::from_str_radix(text.trim(), 16).ok())
            .context("a chunk has no size")?;
        while input.len() < size + 2 {
            more(stream, input).await?;
        }
        body.extend_from_slice(&input.split_to(size));
        input.advance(2);
        if size == 0 {
            return Ok(body);
        }
    }
}
