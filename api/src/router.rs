use axum::{Json, Router, extract::DefaultBodyLimit, middleware::from_fn_with_state, routing::get};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config as DocsConfig, SwaggerUi};

use crate::{
    AppState, access,
    error::ApiError,
    layers,
    openapi::{self, Frame},
    routes, web,
};

/// Largest body taken, in bytes: a decision record of 64 KiB, every character escaped once, and some room.
const MAX_BODY: usize = 160 * 1024;

/// Every documented route.
pub(crate) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .routes(routes!(routes::get_ledger::get_ledger))
        .routes(routes!(routes::list_set_aside::list_set_aside))
        .routes(routes!(routes::list_treasuries::list_treasuries))
        .routes(routes!(routes::get_treasury::get_treasury))
        .routes(routes!(routes::get_log::get_log))
        .routes(routes!(routes::list_log_entries::list_log_entries))
        .routes(routes!(routes::get_log_inclusion::get_log_inclusion))
        .routes(routes!(routes::get_log_consistency::get_log_consistency))
        .routes(routes!(routes::post_report::post_report))
        .routes(routes!(routes::get_report::get_report))
        .routes(routes!(routes::get_report_file::get_report_file))
        .routes(routes!(routes::list_agents::list_agents))
        .routes(routes!(routes::get_agent::get_agent))
        .routes(routes!(routes::get_why::get_why))
        .routes(routes!(routes::list_envelopes::list_envelopes))
        .routes(routes!(routes::get_envelope::get_envelope))
        .routes(routes!(routes::get_score::get_score))
        .routes(routes!(routes::list_scores::list_scores))
        .routes(routes!(routes::list_alerts::list_alerts))
        .routes(routes!(routes::list_groups::list_groups))
        .routes(routes!(routes::get_group::get_group))
        .routes(routes!(routes::list_sessions::list_sessions))
        .routes(routes!(routes::get_session::get_session))
        .routes(routes!(routes::list_payments::list_payments))
        .routes(routes!(routes::get_payment::get_payment))
        .routes(routes!(routes::get_payment_evidence::get_payment_evidence))
        .routes(routes!(routes::get_payment_verification::get_payment_verification))
        .routes(routes!(routes::list_settlements::list_settlements))
        .routes(routes!(routes::list_heard::list_heard))
        .routes(routes!(routes::list_watched::list_watched))
        .routes(routes!(routes::list_decisions::list_decisions, routes::post_decision::post_decision))
        .routes(routes!(routes::get_decision::get_decision))
        .routes(routes!(routes::post_outcome::post_outcome))
        .routes(routes!(routes::post_stamp::post_stamp))
        .routes(routes!(routes::get_stamp::get_stamp))
        .routes(routes!(routes::post_erasure::post_erasure))
        .routes(routes!(routes::get_erasure_typed_data::get_erasure_typed_data))
        .routes(routes!(routes::list_refusals::list_refusals))
        .routes(routes!(routes::list_policies::list_policies))
        .routes(routes!(routes::get_policy::get_policy))
        .routes(routes!(routes::post_policy_document::post_policy_document))
        .routes(routes!(routes::list_payees::list_payees))
        .routes(routes!(routes::list_stops::list_stops))
        .routes(routes!(
            routes::list_approval_requests::list_approval_requests,
            routes::post_approval_request::post_approval_request
        ))
        .routes(routes!(routes::get_approval_request::get_approval_request))
        .routes(routes!(routes::get_approval_typed_data::get_approval_typed_data))
        .routes(routes!(routes::post_approval::post_approval))
        .routes(routes!(routes::post_rejection::post_rejection))
        .routes(routes!(routes::post_transaction::post_transaction))
        .routes(routes!(routes::list_events::list_events))
        .routes(routes!(routes::stream_events::stream_events))
        .routes(routes!(routes::list_accesses::list_accesses))
        .routes(routes!(routes::get_status::get_status))
        .routes(routes!(routes::health_live::health_live))
        .routes(routes!(routes::health_ready::health_ready))
}

/// The whole service: the API under `/v1`, health, `/openapi.json`, its documentation at `/docs`, and the
/// overview page at `/`.
pub fn router(state: AppState) -> Router {
    let (api, document) = api().split_for_parts();
    let document = openapi::guarded(document);
    let docs = SwaggerUi::new("/docs").config(DocsConfig::from("/openapi.json"));
    let (request_timeout, metrics) = (state.config.request_timeout, state.metrics.clone());
    let router = api
        .route("/openapi.json", get(|| async move { Json(document) }))
        .layer(axum::middleware::from_fn(layers::data_only))
        .merge(web::router())
        .merge(Router::from(docs).layer(axum::middleware::from_fn(layers::docs_page)))
        .fallback(async || ApiError::no_such_route())
        .method_not_allowed_fallback(async || ApiError::no_such_method())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(state.clone(), access::guard))
        .with_state(state);
    layers::around(router, request_timeout, metrics)
}
