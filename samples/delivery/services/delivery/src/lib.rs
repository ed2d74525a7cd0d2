//! The delivery service: deliveries in flight, their status, notifications, confirmation, and the owner's invoice.
//!
//! A request goes `api` -> [`store`] and back. The invoice goes `api` -> [`invoice`], which calls two other services.

pub mod api;
pub mod invoice;
pub mod model;
pub mod month;
pub mod notify;
pub mod status;
pub mod store;
