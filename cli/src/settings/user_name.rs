//! A space's name from a user's.

use devspace_core::SpaceName;

/// The longest name that is made from a user's; short enough for hosts such as `red--shop.example.test`.
const LONGEST: usize = 30;

/// The space named after `user`, as the cluster reports users: `alice`, `alice@example.test`, `oidc:alice`,
/// `system:serviceaccount:team:alice`. `None` if nothing of the name can stand in a space's.
pub(crate) fn space_from_user(user: &str) -> Option<SpaceName> {
    // What comes before the last colon is an issuer's prefix or a namespace; what follows the @ is a domain.
    let last = user.rsplit(':').next().unwrap_or(user);
    let person = last.split('@').next().unwrap_or(last);
    let mut name = String::new();
    for letter in person.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            // Runs of anything else become one hyphen, so `--` cannot arise.
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
        if name.len() == LONGEST {
            break;
        }
    }
    SpaceName::try_new(name.trim_end_matches('-')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_become_names() {
        let name = |user: &str| space_from_user(user).map(String::from);
        assert_eq!(name("alice").as_deref(), Some("alice"));
        assert_eq!(name("Alice.B@example.test").as_deref(), Some("alice-b"));
        assert_eq!(name("oidc:alice").as_deref(), Some("alice"));
        assert_eq!(name("system:serviceaccount:team:dev_1").as_deref(), Some("dev-1"));
        assert_eq!(name("kubernetes-admin").as_deref(), Some("kubernetes-admin"));
        assert_eq!(name("a -- b").as_deref(), Some("a-b"));
        assert_eq!(name("--x--").as_deref(), Some("x"));
        assert_eq!(name("Ünal").as_deref(), Some("nal"));
        assert_eq!(name("山田"), None);
        assert_eq!(name(""), None);
        assert_eq!(name(&"x".repeat(80)).map(|name| name.len()), Some(30));
        assert_eq!(
            name(&format!("{}-yy", "x".repeat(29))).map(|name| name.len()),
            Some(29)
        );
    }
}
