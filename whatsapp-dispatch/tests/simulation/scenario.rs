//! What happens in one run: everything follows from the seed.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::secrets::SecretRef;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::recipients::Listed;
use whatsapp_dispatch::rule::{ConsentGiven, OptOut, QuietHours};
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::simulator::Faults;
use whatsapp_dispatch::template::{Template, TemplateDefinition};

use crate::dice::Dice;

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) start: DateTime<Utc>,
    pub(crate) tenants: Vec<TenantRecord>,
    pub(crate) quiet: Option<QuietHours>,
    /// The numbers as WhatsApp knows them.
    pub(crate) numbers: Vec<Sender>,
    pub(crate) campaigns: Vec<Planned>,
    pub(crate) faults: Faults,
    pub(crate) messaging_limit: Option<u32>,
    pub(crate) answer_after: Duration,
    /// What happens, and how long after the start.
    pub(crate) acts: Vec<(Duration, Act)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) sender: Sender,
    pub(crate) template: Template,
    pub(crate) records: Vec<[String; 5]>,
    pub(crate) assumed: bool,
    pub(crate) expires_after: Option<Duration>,
    pub(crate) max_attempts: u16,
    pub(crate) allowance: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Release(usize),
    Pause(usize),
    Resume(usize),
    Cancel(usize),
    /// A person of a tenant wants nothing any more.
    OptOut(usize, u64),
    /// One more dispatcher on the same store.
    Start,
    /// The oldest dispatcher finishes what it began.
    Drain,
    /// The oldest dispatcher dies where it stands.
    Die,
    EndpointDown,
    EndpointUp,
    /// Nobody works for so long.
    Away(Duration),
}

/// Numbers of several zones; some of the countries have more than one.
const PREFIXES: [u64; 5] =
    [919_800_000_000, 4_915_100_000_000, 5_511_990_000_000, 12_125_550_000, 61_400_000_000];

fn person(index: u64) -> u64 {
    PREFIXES[usize::try_from(index % 5).unwrap()] + index
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let monday: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
        let start = monday + TimeDelta::from_std(dice.within(Duration::from_secs(86_400))).unwrap();
        let n_tenants = dice.between(1, 3);
        let tenants: Vec<TenantRecord> =
            (0..usize::try_from(n_tenants).unwrap()).map(|index| tenant(&mut dice, index)).collect();
        let numbers: Vec<Sender> = (0..tenants.len()).map(|index| number(&mut dice, index)).collect();
        let quiet = dice.percent(30).then(|| {
            let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
            QuietHours::new(time(21), time(9))
        });
        let n_people = dice.between(40, 150);
        let campaigns: Vec<Planned> = (0..dice.between(2, 5))
            .map(|index| {
                let sender = numbers[dice.below(numbers.len())].clone();
                planned(&mut dice, usize::try_from(index).unwrap(), sender, n_people)
            })
            .collect();
        let acts = acts(&mut dice, &campaigns, tenants.len(), n_people);
        let mut faults = Faults::none();
        faults.not_on_whatsapp = dice.strength(0.1);
        faults.marketing_limit = dice.strength(0.1);
        faults.transient = dice.strength(0.4);
        faults.server_error = dice.strength(0.2);
        faults.lost_answer = dice.strength(0.2);
        faults.lost_request = dice.strength(0.2);
        faults.held = dice.strength(0.2);
        faults.lost_status = dice.strength(0.5);
        faults.repeated_status = dice.strength(0.5);
        faults.late_status = dice.strength(0.5);
        faults.slow_answer = dice.strength(0.1);
        faults.dropped = dice.strength(0.5);
        faults.forged_status = dice.strength(0.5);
        faults.stop = dice.strength(0.2);
        faults.hidden_number = dice.strength(0.5);
        let messaging_limit = dice.percent(10).then(|| u32::try_from(dice.between(10, 60)).unwrap());
        let answer_after = dice.within(Duration::from_millis(600));
        Self { start, tenants, quiet, numbers, campaigns, faults, messaging_limit, answer_after, acts }
    }

    pub(crate) fn rules(&self) -> RuleSet {
        let rules = RuleSet::builder().with(ConsentGiven::default()).with(OptOut::default());
        match self.quiet {
            Some(quiet) => rules.with(quiet).build().unwrap(),
            None => rules.build().unwrap(),
        }
    }
}

pub(crate) fn tenant_id(index: usize) -> TenantId {
    TenantId::parse(&format!("tenant-{index}")).unwrap()
}

fn tenant(dice: &mut Dice, index: usize) -> TenantRecord {
    let zone = *dice.pick(&[Tz::UTC, Tz::Asia__Kolkata, Tz::America__New_York]);
    let record = TenantRecord::new(tenant_id(index)).with_zone(zone);
    if dice.percent(30) { record.with_daily_limit(dice.between(25, 120)) } else { record }
}

fn number(dice: &mut Dice, index: usize) -> Sender {
    let id = NumberId::parse(&format!("20600000000000{index}")).unwrap();
    let rate = u32::try_from(dice.between(4, 60)).unwrap();
    Sender::new(id, format!("20400000000000{index}"), tenant_id(index), SecretRef::named("simulator"))
        .with_rate(rate)
}

fn planned(dice: &mut Dice, index: usize, sender: Sender, n_people: u64) -> Planned {
    let name = format!("campaign_{index}");
    let template = if dice.percent(60) {
        Template::marketing(&name, "en_US")
    } else {
        Template::utility(&name, "en_US")
    };
    // Now and then WhatsApp gives a number less than we believe.
    let rate = sender.messages_per_second;
    let sender = if dice.percent(15) { sender.with_rate(rate * 2) } else { sender };
    let records = (0..dice.between(15, 70)).map(|_| record(dice, n_people)).collect();
    Planned {
        name,
        sender,
        template,
        records,
        assumed: dice.percent(70),
        expires_after: dice.percent(60).then(|| Duration::from_secs(dice.between(30, 30 * 3_600))),
        max_attempts: u16::try_from(dice.between(1, 5)).unwrap(),
        allowance: dice.percent(10).then(|| dice.between(5, 60)),
    }
}

/// Number, first name, discount, consent, opted out.
fn record(dice: &mut Dice, n_people: u64) -> [String; 5] {
    let digits = person(dice.between(0, n_people - 1));
    let phone = match dice.between(0, 39) {
        0 => "no number".to_owned(),
        1 => format!("00{digits}"),
        _ => format!("+{digits}"),
    };
    let name = if dice.percent(3) { String::new() } else { "Zoë".to_owned() };
    let word = |yes| if yes { "yes" } else { "" }.to_owned();
    [phone, name, "20 %".to_owned(), word(dice.percent(60)), word(dice.percent(3))]
}

fn acts(dice: &mut Dice, campaigns: &[Planned], tenants: usize, n_people: u64) -> Vec<(Duration, Act)> {
    let busy = Duration::from_secs(25);
    let mut acts = vec![(Duration::ZERO, Act::Start)];
    let mut at = |act, acts: &mut Vec<(Duration, Act)>| acts.push((dice.within(busy), act));
    for index in 0..campaigns.len() {
        at(Act::Release(index), &mut acts);
    }
    let mut dice = dice.clone();
    for _ in 0..dice.between(0, 4) {
        let index = dice.below(campaigns.len());
        acts.push((dice.within(busy), Act::Pause(index)));
        acts.push((dice.within(busy * 2), Act::Resume(index)));
    }
    if dice.percent(20) {
        acts.push((dice.within(busy), Act::Cancel(dice.below(campaigns.len()))));
    }
    for _ in 0..dice.between(0, 20) {
        let (tenant, person) = (dice.below(tenants), person(dice.between(0, n_people - 1)));
        acts.push((dice.within(busy), Act::OptOut(tenant, person)));
    }
    for _ in 0..dice.between(0, 4) {
        let end = if dice.percent(50) { Act::Drain } else { Act::Die };
        let ended = dice.within(busy);
        acts.push((ended, end));
        acts.push((ended + dice.within(Duration::from_secs(5)), Act::Start));
    }
    for _ in 0..dice.between(0, 2) {
        let down = dice.within(busy);
        acts.push((down, Act::EndpointDown));
        acts.push((down + dice.within(Duration::from_secs(20)), Act::EndpointUp));
    }
    for _ in 0..dice.between(0, 2) {
        acts.push((dice.within(busy), Act::Away(dice.within(Duration::from_secs(14 * 3_600)))));
    }
    acts.sort_by_key(|(after, _)| *after);
    acts
}

impl Planned {
    pub(crate) fn campaign(&self) -> Campaign {
        let campaign = Campaign::new(&self.name, self.sender.clone())
            .template(self.template.clone())
            .body(["{first_name}", "{discount}"])
            .max_attempts(self.max_attempts);
        let campaign = if self.assumed { campaign.assume_consent() } else { campaign };
        let campaign = match self.expires_after {
            Some(duration) => campaign.expires_after(duration),
            None => campaign,
        };
        match self.allowance {
            Some(messages) => campaign.allowance(messages),
            None => campaign,
        }
    }

    pub(crate) fn recipients(&self) -> Listed {
        let columns = Columns::new(["phone", "first_name", "discount", "consent", "opted_out"]).unwrap();
        Listed::new(columns, self.records.clone())
    }

    pub(crate) fn definition(&self) -> TemplateDefinition {
        TemplateDefinition::new(self.template.clone(), "Hi {{1}}, enjoy {{2}} off today!").unwrap()
    }
}
