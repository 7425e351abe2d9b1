//! Strangers who share a public studio: what they may do, and how often.

use crate::Studio;
use crate::error::ApiError;
use crate::fields::NewRun;
use crate::runs::RunId;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs that a visitor may start in an hour; one at a time.
const RUNS_AN_HOUR: usize = 6;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Pieces of work that a visitor may ask for in a minute: pins, tries, films.
const WORK_A_MINUTE: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// Visitors that are remembered; the longest silent ones are forgotten.
const MOST: usize = 10_000;
/// Most training steps, and most hidden nodes of a stranger's run.
const MOST_STEPS: u64 = 200;
const MOST_NODES: u64 = 12;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Who is who, by address: nobody logs in.
#[derive(Default)]
pub struct Visitors {
    all: Mutex<HashMap<IpAddr, Visitor>>,
}

#[derive(Default)]
struct Visitor {
    runs: VecDeque<(Instant, RunId)>,
    work: VecDeque<Instant>,
}

/// The address that a request comes from: a proxy in the own network says who sent it, and so does a program that serves
/// the router by itself and knows no peer.
pub fn address(peer: Option<&Peer>, headers: &HeaderMap) -> IpAddr {
    let direct = peer.map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0.ip());
    let is_near = match direct {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let last = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    if is_near { last.unwrap_or(direct) } else { direct }
}

/// Whether strangers may ask for this at all: they look, and start runs of their own.
///
/// # Errors
/// What they may not do.
pub fn check(studio: &Studio, request: &Request) -> Result<(), ApiError> {
    if !studio.options.public || *request.method() == Method::GET {
        return Ok(());
    }
    let path = request.uri().path();
    let closed = |words: &str| Err(ApiError::new(StatusCode::FORBIDDEN, words));
    let is_of_a_run = path.starts_with("/api/runs/");
    match path.rsplit('/').next().unwrap_or_default() {
        "experts" if !studio.options.uploads => {
            closed("this public studio takes no uploads: run kanrl yourself to use your own expert")
        }
        "delete" | "restore" | "label" | "save" if is_of_a_run => closed("nobody changes the runs of a public studio"),
        "pin" | "try" | "episode" | "forms" => {
            let peer = request.extensions().get::<Peer>();
            studio.visitors.note_work(address(peer, request.headers()))
        }
        _ => Ok(()),
    }
}

/// Whether a stranger's run is small enough.
///
/// # Errors
/// At the field that is too large.
pub fn check_size(form: &NewRun) -> Result<(), ApiError> {
    let numbers = |text: &str| text.split(',').filter_map(|part| part.trim().parse::<u64>().ok()).sum::<u64>();
    if !form.settings.trim().is_empty() {
        return Err(ApiError::field(
            "settings",
            "a public studio takes no further settings: run kanrl yourself for them",
        ));
    }
    if numbers(&form.hidden) > MOST_NODES {
        return Err(ApiError::field("hidden", format!("a public studio takes at most {MOST_NODES} hidden nodes")));
    }
    if numbers(&form.steps) > MOST_STEPS {
        return Err(ApiError::field("steps", format!("a public studio takes at most {MOST_STEPS} training steps")));
    }
    Ok(())
}

impl Visitors {
    /// Whether a visitor may start a run now; `is_going` says which of the earlier ones are not over.
    ///
    /// # Errors
    /// When they may.
    pub fn check_run(&self, visitor: IpAddr, is_going: impl Fn(&RunId) -> bool) -> Result<(), ApiError> {
        let mut all = self.lock();
        let runs = &mut all.entry(visitor).or_default().runs;
        runs.retain(|(time, id)| time.elapsed() < HOUR || is_going(id));
        let refuse = |words: String| Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, words));
        if runs.iter().any(|(_, id)| is_going(id)) {
            return refuse("your last run is not over: one at a time, please".to_owned());
        }
        if runs.len() >= RUNS_AN_HOUR {
            let wait = runs.front().map_or(HOUR, |(time, _)| HOUR.saturating_sub(time.elapsed()));
            return refuse(format!(
                "{RUNS_AN_HOUR} runs an hour are the limit here: try again in {} minutes",
                wait.as_secs() / 60 + 1
            ));
        }
        Ok(())
    }

    /// Notes a run that a visitor has started.
    pub fn note_run(&self, visitor: IpAddr, id: RunId) {
        let mut all = self.lock();
        all.entry(visitor).or_default().runs.push_back((Instant::now(), id));
        forget(&mut all);
    }

    /// Whether a run is this visitor's own.
    pub fn owns(&self, visitor: IpAddr, id: &RunId) -> bool {
        self.lock().get(&visitor).is_some_and(|visitor| visitor.runs.iter().any(|(_, own)| own == id))
    }

    fn note_work(&self, visitor: IpAddr) -> Result<(), ApiError> {
        let mut all = self.lock();
        let work = &mut all.entry(visitor).or_default().work;
        work.retain(|time| time.elapsed() < MINUTE);
        if work.len() >= WORK_A_MINUTE {
            let words = "that was much in a minute: wait a moment, please";
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, words));
        }
        work.push_back(Instant::now());
        forget(&mut all);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Visitor>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the map small.
fn forget(all: &mut HashMap<IpAddr, Visitor>) {
    if all.len() <= MOST {
        return;
    }
    all.retain(|_, visitor| {
        let last = visitor.runs.back().map(|(time, _)| *time).max(visitor.work.back().copied());
        last.is_some_and(|time| time.elapsed() < HOUR)
    });
}

#[cfg(test)]
mod tests {
    use super::{Peer, RUNS_AN_HOUR, Visitors, WORK_A_MINUTE, address};
    use crate::runs::RunId;
    use axum::http::HeaderMap;
    use std::net::IpAddr;

    #[test]
    fn only_a_proxy_nearby_says_who_sent_a_request() {
        let headers: HeaderMap =
            [("x-forwarded-for".parse().unwrap(), "1.1.1.1, 2.2.2.2".parse().unwrap())].into_iter().collect();
        let of = |peer: &str| address(Some(&Peer(peer.parse().unwrap())), &headers).to_string();
        assert_eq!(of("10.0.0.3:80"), "2.2.2.2");
        assert_eq!(of("127.0.0.1:80"), "2.2.2.2");
        assert_eq!(of("9.9.9.9:80"), "9.9.9.9");
        assert_eq!(address(Some(&Peer("10.0.0.3:80".parse().unwrap())), &HeaderMap::new()).to_string(), "10.0.0.3");
    }

    #[test]
    fn a_visitor_has_one_run_at_a_time_and_a_few_an_hour() {
        let visitors = Visitors::default();
        let [one, other] = ["1.1.1.1", "2.2.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let run = |number: usize| RunId::new(&format!("run-{number}")).unwrap();
        visitors.check_run(one, |_| true).unwrap();
        visitors.note_run(one, run(0));
        assert!(visitors.owns(one, &run(0)) && !visitors.owns(other, &run(0)));
        assert!(visitors.check_run(one, |_| true).is_err());
        visitors.check_run(other, |_| true).unwrap();
        for number in 1..RUNS_AN_HOUR {
            visitors.check_run(one, |_| false).unwrap();
            visitors.note_run(one, run(number));
        }
        assert!(visitors.check_run(one, |_| false).unwrap_err().to_string().contains("minutes"));
        for _ in 0..WORK_A_MINUTE {
            visitors.note_work(other).unwrap();
        }
        assert!(visitors.note_work(other).is_err());
        visitors.note_work(one).unwrap();
    }
}
