//! Whose data may be seen. Store functions that read a reseller's data take a [`ResellerScope`]
//! first, and only a session (or the set-up of a new reseller, or a billing run) makes one.

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs the portal; sees no reseller's data.
    Operator,
    /// Works for a reseller; sees all of its data.
    Reseller,
    /// Works for a customer; sees that customer's data.
    Customer,
}

impl Role {
    /// The word in the database and on pages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Reseller => "reseller",
            Role::Customer => "customer",
        }
    }

    /// The role of a word.
    pub(crate) fn parse(word: &str) -> Option<Role> {
        [Role::Operator, Role::Reseller, Role::Customer].into_iter().find(|role| role.word() == word)
    }
}

/// Proof that the caller may see one reseller's data: all of it, or one customer's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResellerScope {
    reseller_id: i64,
    customer_id: Option<i64>,
}

impl ResellerScope {
    /// The scope of somebody signed in, or of a reseller that was just made.
    pub(super) fn proved(reseller_id: i64, customer_id: Option<i64>) -> ResellerScope {
        ResellerScope { reseller_id, customer_id }
    }

    /// The scope of a reseller that the set-up made itself.
    pub(crate) fn of_new_reseller(reseller_id: i64) -> ResellerScope {
        ResellerScope::proved(reseller_id, None)
    }

    /// The scope of what the machine's operator does for a reseller: a billing run, or its numbers after a restore.
    pub(crate) fn of_run(reseller_id: i64) -> ResellerScope {
        ResellerScope::proved(reseller_id, None)
    }

    /// The reseller: the first parameter of every tenant query.
    pub(crate) fn reseller_id(&self) -> i64 {
        self.reseller_id
    }

    /// The one customer whose data may be seen; `None` for all of the reseller's.
    pub(crate) fn customer_id(&self) -> Option<i64> {
        self.customer_id
    }
}
