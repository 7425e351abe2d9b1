//! Files of a run.

use super::{App, existing};
use crate::error::{ApiError, blocking};
use crate::security::SANDBOX_POLICY;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanrl_pipeline::run::RunFile;

/// One of the files that are served.
pub async fn file(
    State(studio): App,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, run) = existing(&studio, &id)?;
    let missing = || ApiError::not_found("this run has no such file");
    let file = RunFile::from_name(&name).ok_or_else(missing)?;
    let media_type = file.media_type().ok_or_else(missing)?;
    let bytes = blocking(move || run.read(file).map_err(|_| missing())).await?;
    let mut response = answer_bytes(bytes.into(), media_type, &headers);
    if media_type.starts_with("text/html") || media_type.starts_with("image/svg") {
        let policy = HeaderValue::from_static(SANDBOX_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The whole run as a zip.
pub async fn archive(State(studio): App, Path(id): Path<String>) -> Result<Response, ApiError> {
    let (id, run) = existing(&studio, &id)?;
    let name = id.as_str().to_owned();
    let disposition = format!("attachment; filename=\"{name}.zip\"");
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, crate::archive::stream(run, name)).into_response())
}

/// A file, or the part of it that is asked for: players of videos ask for parts.
pub async fn answer_file(
    path: &std::path::Path,
    media_type: &'static str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let bytes = tokio::task::spawn_blocking({
        let path = path.to_owned();
        move || std::fs::read(path)
    });
    let bytes = bytes.await.map_err(ApiError::internal)?.map_err(|error| ApiError::not_found(error.to_string()))?;
    Ok(answer_bytes(bytes.into(), media_type, headers))
}

/// Bytes, or the part of them that is asked for.
pub fn answer_bytes(bytes: Bytes, media_type: &'static str, headers: &HeaderMap) -> Response {
    let size = bytes.len();
    let kind = [(header::CONTENT_TYPE, media_type), (header::ACCEPT_RANGES, "bytes")];
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    match asked.and_then(|range| part(range, size)) {
        None => (kind, Body::from(bytes)).into_response(),
        Some(Ok((first, last))) => {
            let place = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"))];
            (StatusCode::PARTIAL_CONTENT, kind, place, Body::from(bytes.slice(first..=last))).into_response()
        }
        Some(Err(())) => {
            let place = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, place).into_response()
        }
    }
}

/// First and last byte of a `Range` header with one range; `None` for one that may be ignored.
fn part(range: &str, size: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if last.contains(',') {
        return None;
    }
    let end = size.checked_sub(1);
    let place = match (first.trim(), last.trim()) {
        ("", "") => return None,
        ("", count) => {
            let count: usize = count.parse().ok()?;
            end.filter(|_| count > 0).map(|end| (size.saturating_sub(count), end))
        }
        (first, last) => {
            let first: usize = first.parse().ok()?;
            let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
            end.filter(|end| first <= *end && first <= last).map(|end| (first, last.min(end)))
        }
    };
    Some(place.ok_or(()))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        assert_eq!(part("bytes=0-", 10), Some(Ok((0, 9))));
        assert_eq!(part("bytes=2-4", 10), Some(Ok((2, 4))));
        assert_eq!(part("bytes=5-99", 10), Some(Ok((5, 9))));
        assert_eq!(part("bytes=-3", 10), Some(Ok((7, 9))));
        assert_eq!(part("bytes=-30", 10), Some(Ok((0, 9))));
        for unsatisfiable in ["bytes=10-", "bytes=4-2", "bytes=-0"] {
            assert_eq!(part(unsatisfiable, 10), Some(Err(())), "{unsatisfiable}");
        }
        assert_eq!(part("bytes=0-", 0), Some(Err(())));
        for ignored in ["lines=1-2", "bytes=1-2,4-5", "bytes=a-b", "bytes=-"] {
            assert_eq!(part(ignored, 10), None, "{ignored}");
        }
    }
}
