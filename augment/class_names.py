"""List the names of classes that hold a comma, so that a list of labels with commas is not split inside of a name."""

from __future__ import annotations

AUDIOSET = """
Accelerating, revving, vroom
Air horn, truck horn
Baby cry, infant cry
Bee, wasp, etc.
Beep, bleep
Bird flight, flapping wings
Bird vocalization, bird call, bird song
Boat, Water vehicle
Burping, eructation
Burst, pop
Canidae, dogs, wolves
Cattle, bovinae
Cellphone buzz, vibrating alert
Channel, environment and background
Chewing, mastication
Chicken, rooster
Child speech, kid speaking
Chink, clink
Chirp, tweet
Chuckle, chortle
Crowing, cock-a-doodle-doo
Crumpling, crinkling
Crying, sobbing
Cutlery, silverware
Dental drill, dentist's drill
Dishes, pots, and pans
Domestic animals, pets
Domestic sounds, home sounds
Donkey, ass
Electric shaver, electric razor
Female speech, woman speaking
Fire engine, fire truck (siren)
Fixed-wing aircraft, airplane
Fly, housefly
Gull, seagull
Gunshot, gunfire
Heart sounds, heartbeat
Hubbub, speech noise, speech babble
Ice cream truck, ice cream van
Inside, large room or hall
Inside, public space
Inside, small room
Jingle, tinkle
Livestock, farm animals, working animals
Male speech, man speaking
Marimba, xylophone
Motorboat, speedboat
Narration, monologue
Neigh, whinny
Outside, rural or natural
Outside, urban or manmade
Packing tape, duct tape
Pigeon, dove
Power windows, electric windows
Propeller, airscrew
Race car, auto racing
Railroad car, train wagon
Ratchet, pawl
Roaring cats (lions, tigers)
Rodents, rats, mice
Rowboat, canoe, kayak
Sailboat, sailing ship
Slap, smack
Smash, crash
Smoke detector, smoke alarm
Splash, splatter
Steel guitar, slide guitar
Subway, metro, underground
Telephone dialing, DTMF
Thump, thud
Tinnitus, ringing in the ears
Traffic noise, roadway noise
Trickle, dribble
Vehicle horn, car horn, honking
Velcro, hook and loop fastener
Violin, fiddle
Wail, moan
Walk, footsteps
Water tap, faucet
Waves, surf
Whack, thwack
Whoosh, swoosh, swish
Wind instrument, woodwind instrument
"""
"""Names of the ontology of AudioSet (Gemmeke et al. 2017; CC-BY-SA 4.0). FSD50K uses the same names."""

VGGSOUND = """
alligators, crocodiles hissing
bee, wasp, etc. buzzing
bird chirping, tweeting
cattle, bovinae cowbell
donkey, ass braying
electric shaver, electric razor shaving
engine accelerating, revving, vroom
fly, housefly buzzing
motorboat, speedboat acceleration
pigeon, dove cooing
playing marimba, xylophone
playing steel guitar, slide guitar
playing violin, fiddle
rowboat, canoe, kayak rowing
"""
"""Names of VGGSound (Chen et al. 2020; CC-BY 4.0) that differ from those of AudioSet."""

CLASS_NAMES = frozenset(name.casefold() for name in (AUDIOSET + VGGSOUND).splitlines() if name)
"""The names in small letters."""

MAX_COMMAS = max(name.count(",") for name in CLASS_NAMES)
