//! The drone scheduler: assigns a drone to a delivery and reports how much the drones of an owner flew in a month.

pub mod api;
pub mod model;
pub mod store;
