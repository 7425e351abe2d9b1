//! What the server believes, and what it lets a browser do.
//!
//! A page of another site that is open in the same browser can send requests to the loopback interface. So:
//!
//! - **A token** is asked for, unless the studio is public: other users of the machine reach the loopback interface, too. The
//!   address that the studio prints carries it; the browser gets it as a cookie and forgets the address. Programs may send it as
//!   `Authorization: Bearer TOKEN`.
//! - **Host** must be an IP address or `localhost`. An attacker who rebinds a DNS name of his own to 127.0.0.1 sends that
//!   name, and is refused.
//! - **Requests of other sites** to `/api` are refused by `Sec-Fetch-Site`, which browsers set and pages cannot change.
//! - **Writes** must carry the header `X-Kanrl-Studio`, which another site can only send after asking first (and is not
//!   allowed to), and an `Origin`, where there is one, that is the server itself.
//! - **Answers** carry a content-security policy under which nothing runs or is loaded but the server's own files, and
//!   files of a run are shown in a sandbox.

use crate::Studio;
use crate::error::ApiError;
use crate::visitors;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;

/// The header that every write carries.
pub const WRITE_HEADER: &str = "x-kanrl-studio";

/// Under this policy the page itself is shown.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                           media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// Under this policy the page of a public studio is shown, which the pages of Hugging Face's spaces frame.
const PUBLIC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                             media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
                             frame-ancestors 'self' https://huggingface.co https://*.hf.space";

/// Under this policy a run's own report and pictures are shown: on their own, without a way to this server.
pub const SANDBOX_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; \
                                  style-src 'unsafe-inline'; img-src data:; media-src data:; font-src data:; \
                                  form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses requests that another site may have sent, and adds the headers that bind the browser.
pub async fn guard(State(studio): State<Arc<Studio>>, request: Request, next: Next) -> Response {
    let wants_page = crate::api::wants_page(request.headers()) && !request.uri().path().starts_with("/api/");
    let public = studio.options.public;
    let checked = check(public, request.method(), request.uri().path(), request.headers());
    let checked = checked.and_then(|()| visitors::check(&studio, &request));
    let mut response = match (checked, identify(studio.options.token.as_deref(), &request)) {
        (Err(error), _) | (Ok(()), Identity::Stranger(error)) if wants_page => error.into_page(),
        (Err(error), _) | (Ok(()), Identity::Stranger(error)) => error.into_response(),
        (Ok(()), Identity::Introduced { cookie, path }) => {
            let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, path)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        (Ok(()), Identity::Known) => next.run(request).await,
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, if public { PUBLIC_POLICY } else { PAGE_POLICY });
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-cache");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

/// A token that nobody guesses.
pub fn random_token() -> String {
    let mut bytes = [0; 24];
    // Without randomness there is no safe way to go on.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who sends a request.
enum Identity {
    Known,
    /// Somebody who follows the link with the token: the browser is to keep it, and to leave it out of the address.
    Introduced {
        cookie: String,
        path: String,
    },
    Stranger(ApiError),
}

fn identify(token: Option<&str>, request: &Request) -> Identity {
    let Some(token) = token else { return Identity::Known };
    // Compared as digests, so that how long it takes tells nothing about the token.
    let expected = Sha256::digest(token);
    let is_token = |given: &str| Sha256::digest(given) == expected;
    let name = format!("kanrl-studio-{:02x}{:02x}{:02x}{:02x}", expected[0], expected[1], expected[2], expected[3]);
    let headers =
        |name: HeaderName| request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut cookies =
        headers(header::COOKIE).flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut bearers = headers(header::AUTHORIZATION).filter_map(|value| value.strip_prefix("Bearer "));
    if cookies.any(|(cookie, value)| cookie == name && is_token(value)) || bearers.any(is_token) {
        return Identity::Known;
    }
    let uri = request.uri();
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let given: Vec<&str> = pairs.filter(|(key, _)| *key == "token").map(|(_, value)| value).collect();
    let is_page = *request.method() == Method::GET && !uri.path().starts_with("/api/");
    if is_page && given.iter().any(|given| is_token(given)) {
        let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict");
        // Never another server's address: `//evil.example/` is one.
        return Identity::Introduced { cookie, path: format!("/{}", uri.path().trim_start_matches('/')) };
    }
    let words = "this studio answers those only who know its token: open the address that `kanrl serve` has printed";
    Identity::Stranger(ApiError::new(StatusCode::UNAUTHORIZED, words))
}

fn check(public: bool, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let refuse = |why: String| Err(ApiError::new(StatusCode::FORBIDDEN, why));
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or_default();
    // A public studio has no secret that a name could lead to, and is reached by whatever name it was given.
    if !public && !is_own_host(host) {
        return refuse(format!("`{host}` is not this server: use its IP address or localhost"));
    }
    let from = text(HeaderName::from_static("sec-fetch-site"));
    if path.starts_with("/api/") && !matches!(from, None | Some("same-origin" | "none")) {
        return refuse("the request came from another site".to_owned());
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    if !headers.contains_key(WRITE_HEADER) {
        return refuse(format!("a write needs the header {WRITE_HEADER}"));
    }
    match text(header::ORIGIN) {
        Some(origin)
            if origin.strip_prefix("http://").or(origin.strip_prefix("https://").filter(|_| public)) != Some(host) =>
        {
            refuse(format!("the request came from {origin}, another site"))
        }
        _ => Ok(()),
    }
}

/// Whether a `Host` header names this machine in a way that no DNS answer can change.
fn is_own_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_own_host;

    #[test]
    fn names_that_dns_decides_are_not_believed() {
        for host in ["localhost", "LOCALHOST:7860", "127.0.0.1:7860", "[::1]:7860", "192.168.0.7:80"] {
            assert!(is_own_host(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:7860", "127.0.0.1.evil.example:7860", "localhost.evil"] {
            assert!(!is_own_host(host), "{host}");
        }
    }
}
