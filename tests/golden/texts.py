"""The texts behind the golden files, all written for this repository.

Visible text is one entry a line, or one paragraph a line. Anything a text editor might show wrongly or
rewrite (control characters, lone combining marks, direction marks) is spelled with escapes in `UGLY`.
`STAGES` and `POOLING` are the small sets; `ALL` is the list of 300 that becomes `texts.json`.
"""

import random


def lines(block: str) -> list[str]:
    """One text a line; blank lines only separate topics."""
    return [line for line in block.splitlines() if line]


# The texts whose every intermediate tensor is stored. One kind of input each.
STAGES = [
    "Hello",
    "The old lighthouse keeper climbed one hundred and twelve steps every evening to light the lamp.",
    # Past 256 tokens, so the end is cut off.
    "When the ferry finally pulled away from the harbour, Ines counted what she had left: two sandwiches wrapped in "
    "newspaper, a notebook with half its pages torn out, a map of the northern islands that disagreed with every sign "
    "she had passed, and eleven hours before anyone would notice she was gone. The wind came across the deck in long "
    "cold strokes. A man in a yellow coat was feeding crusts to the gulls and explaining to nobody in particular that "
    "the birds remembered faces, that they could tell a fisherman from a tourist by the way he stood, and that in the "
    "winter of the great storm they had followed his grandfather's boat all the way home. She wrote that down. She "
    "wrote down the colour of the water, too, which was not blue or grey or green but something like the inside of an "
    "oyster shell, and the sound of the engine, which began as a complaint and settled into a hum. By noon the "
    "mainland was a pencil line. By two it was a rumour. The first island rose out of the haze with its single road, "
    "its church without a roof, and its forty houses painted in the leftover colours of fishing boats. Nobody met the "
    "ferry except a dog, who inspected each passenger's shoes with professional care and then escorted them, one by "
    "one, up the hill to the only café. Ines ordered soup and asked the owner whether the road on her map, the one "
    "that ran along the western cliffs to the weather station, still existed. The owner laughed for quite a long time "
    "and then, seeing that the question was serious, fetched her own map, which was older, and drawn by hand.",
    "Crème brûlée, jalapeño, smörgåsbord, Dvořák, naïve façade, Łódź, São Paulo, Ångström, Škoda.",
    "東京の朝は静かです。我们明天去北京吃饺子。오늘 날씨가 참 좋네요.",
    "Just landed 🛬 in Lisbon 🇵🇹!!! Sunshine ☀️, pastéis 🥧 and family 👨‍👩‍👧‍👦 ❤️ 👍🏽",
    "",
    " \t \n\r\n   \u00a0\u3000 \t",
    "for (int i = 0; i < n; ++i) { sum += a[i] * 3.14e-7; } // 42% of $1,299.99, v2.0.1-rc3, (555) 010-4477",
    "A name as long as " + "flibbertigibbetwobblecrankenshaft" * 4 + " fits on no form.",
    "Привет, мир! مرحبا بالعالم، नमस्ते दुनिया, שלום עולם, γειά σου Κόσμε, hello world.",
    "nul\x00bell\x07esc\x1b[0m del\x7f zero\u200bwidth\u200djoin\ufeff bom e\u0301\u0323 \u0301 lone \ufffd soft\u00adhyphen",
]

# Short texts, at most twelve tokens, for the pooling fixtures.
POOLING = [
    "The gardener waters the beans at dawn.",
    "Early each morning, somebody tends the vegetables.",
    "The violin needs new strings before Friday.",
]

SENTENCES = lines("""
This is an example sentence
Each sentence is converted
The baker forgot the salt, and the whole street noticed.
Glaciers carve valleys slowly, then retreat and leave lakes behind.
My grandmother kept every letter in a biscuit tin under the stairs.
Water boils at a lower temperature on top of a mountain.
The committee postponed the vote until after the summer recess.
Two goats were standing on the roof of the car again.
Compound interest rewards patience more than cleverness.
He tuned the piano by ear, one stubborn string at a time.
Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.
The train to Gdansk leaves from platform four at a quarter past nine.
She speaks three languages and swears in a fourth.
An unlabelled switch in the basement turned out to control the fountain.
The defendant was acquitted on all counts after a six-week trial.
Tomatoes ripen faster beside a banana.
Our satellite lost contact for eleven minutes during the solar storm.
The goalkeeper guessed right but the ball took a deflection.
Bees communicate the direction of flowers with a waggling dance.
The contract may be terminated by either party with thirty days' notice.
A single spark ignited the dry grass along the railway.
The museum is free on the first Sunday of every month.
His handwriting was so small that the bank rejected the cheque.
Penguins recognise their mates by voice among thousands of neighbours.
Rust has formed along the lower edge of the left rear door.
The patient reports mild dizziness but no chest pain or shortness of breath.
Every prime greater than three is one more or one less than a multiple of six.
They named the storm after the mayor's least favourite aunt.
The recipe calls for butter, but olive oil works well enough.
Inflation slowed for the fourth month in a row, driven by cheaper energy.
A hummingbird's heart beats more than a thousand times a minute.
Nobody had told the new intern that the coffee machine was haunted.
The bridge sways a little in high wind, exactly as it was designed to.
The cat is sleeping on the warm laptop.
A kitten naps on top of a computer.
The dog did not bite the postman.
The postman did not bite the dog.
The dog bit the postman.
Please return the ladder you borrowed in March.
Interest rates were left unchanged by the central bank on Thursday.
The violinist played the encore with a broken string.
Saffron is more expensive than silver by weight in some markets.
After the flood, the library dried forty thousand books with fans and blotting paper.
You can grow basil on a windowsill if you do not overwater it.
The new law bans plastic cutlery but says nothing about straws.
The moon is slowly drifting away from the earth.
The surgeon listens to heavy metal while operating.
Moths navigate by the moon and are ruined by porch lights.
The orchestra rehearsed in a disused swimming pool for its echo.
Our flight was diverted to Reykjavik because of a medical emergency.
Sharpen the chisel before you blame the wood.
The referee showed him a second yellow card for time wasting.
Honey found in ancient tombs is still edible.
The startup burned through its funding in eight months and sold the chairs.
Vaccination rates rose sharply once the clinics opened on weekends.
The password must contain at least twelve characters.
Copper roofs turn green as they weather.
The parliament building was lit in blue for the anniversary.
Octopuses taste with their arms.
Sourdough needs flour, water, salt and an unreasonable amount of attention.
The chess club meets above the laundrette on Wednesdays.
A cartographer once invented a town to catch people copying her maps.
The elevator has been out of order since the day it was inspected.
""")

QUESTIONS = lines("""
How do I reset a forgotten password?
What is the difference between a crocodile and an alligator?
Why does my sourdough starter smell like nail varnish?
Can I take the tram to the airport after midnight?
Who painted the ceiling of the town hall?
How many litres of paint do I need for a 20 m² room?
Is it safe to eat rice that was left out overnight?
When was the printing press invented, and by whom?
What should I wear to an outdoor wedding in October?
Which is heavier: a litre of oil or a litre of water?
how to remove candle wax from a tablecloth
best way to learn touch typing as an adult
symptoms of low iron
Where can I recycle old batteries near me?
Did the Romans know about zero?
Why is the sky blue but sunsets red?
Could you tell me, if it is not too much trouble, whether the pharmacy is still open?
What happens to a fixed-rate mortgage when interest rates fall?
Should I learn Rust or Go for backend work in my first job?
Are mushrooms closer to animals than to plants?
How can I parse a date in ISO 8601 format without any library?
Does anybody know the song that goes da da da-dum?
What time is it in Nairobi when it is noon in Lima?
How far can a snail travel in a day?
""")

HEADLINES = lines("""
Local Council Approves Cycle Lane After Nine-Year Debate
BREAKING: Volcano erupts on uninhabited island, flights rerouted
Markets rally as shipping dispute ends
Scientists Find Frog Thought Extinct Since 1962
Opinion: The Four-Day Week Is Not a Luxury
Underdogs stun champions with last-minute header
Ten Soups To Get You Through February
Power restored to 40,000 homes after storm
Robot Vacuum Escapes Hotel, Found Under Hedge
Minister resigns over unpaid parking fines
Drought pushes olive oil prices to record high
Review: A quiet, devastating film about beekeeping
City marathon cancelled for the first time in 31 years
Chipmaker Unveils 2-Nanometre Process, Shares Jump 7%
""")

PRODUCTS = lines("""
Stainless steel water bottle, 750 ml, keeps drinks cold for 24 hours, leakproof lid, dishwasher safe.
Men's waterproof hiking boots, size 44, brown leather, recycled rubber sole.
Cordless drill 18V with two 4.0Ah batteries, 13 mm chuck, 60 Nm torque, carry case included.
Organic fair-trade dark chocolate, 72% cocoa, with sea salt and roasted almonds (100 g).
Wireless over-ear headphones with noise cancelling and 38 hours of playback; folds flat.
Solid oak bookshelf, five shelves, 180 x 80 x 28 cm, some assembly required.
Kids' night light in the shape of a fox, USB-C, dims automatically after 30 minutes.
Replacement filter for the AquaPure 300 series, pack of 3.
Hand-thrown ceramic mug in speckled blue; each one is slightly different.
Foldable e-bike, 250 W motor, 60 km range, weighs only 16.5 kg.
Fragrance-free moisturiser for sensitive skin, dermatologically tested, 200 ml pump.
Mechanical keyboard, hot-swappable switches, ISO-DE layout, PBT keycaps.
""")

FRAGMENTS = lines("""
yes
no
cats
a
I
?
.
photosynthesis
antidisestablishmentarianism
blue ceramic mug
thank you so much
on the other hand
not bad at all
TODO
n/a
lorem ipsum
Re: Fwd: Re: invoice
see attached
ok ok ok ok ok
half past ten
King's Cross
state-of-the-art
the the the
machine learning
""")

CODE = [
    "fn main() { println!(\"Hello, world!\"); }",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    "SELECT name, COUNT(*) FROM orders WHERE total > 99.5 GROUP BY name ORDER BY 2 DESC;",
    "git rebase -i HEAD~3 && git push --force-with-lease origin main",
    "const sum = (xs) => xs.reduce((a, b) => a + b, 0);",
    "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 6 * 7); return 0; }",
    "error[E0502]: cannot borrow `v` as mutable because it is also borrowed as immutable",
    "{\"id\": 17, \"tags\": [\"a\", \"b\"], \"nested\": {\"ok\": true, \"x\": null}}",
    "<div class=\"card\"><a href=\"#top\">Back to top &uarr;</a></div>",
    "grep -rnE '^(pub )?fn [a-z_]+' src/ | sort -t: -k3 | uniq -c",
    "let y = w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();",
    "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$",
    "Traceback (most recent call last):\n  File \"app.py\", line 12, in <module>\nKeyError: 'user_id'",
    "vpdpbusd zmm0, zmm1, zmm2 ; mov rax, [rbx+rcx*8+0x10]",
    "max_connections = 200  # default: 100\nlog_level = \"debug\"",
]

LANGUAGES = lines("""
Der Bäcker hat heute Morgen vergessen, das Schild umzudrehen.
Die Straße ist wegen Bauarbeiten gesperrt; bitte benutzen Sie die Umleitung.
Fußgängerübergänge und Maßstäbe: GROẞES ß, großes ẞ.
Le petit chat dort sur le canapé près de la fenêtre.
Où est-ce qu'on peut acheter des œufs à cette heure-ci ?
El tren de las ocho llegó con veinte minutos de retraso.
¿Cuánto cuesta una habitación doble con vistas al mar?
Mañana será otro día, dijo el señor Núñez.
A menina plantou três feijões e esperou uma semana inteira.
Il gatto nero attraversa la strada senza guardare.
De fiets staat al drie weken tegen dezelfde lantaarnpaal.
Barnen lekte i snön tills det blev mörkt.
Min søster plukker blåbær på øen hver sommer.
Hyvää huomenta, onko kahvia vielä jäljellä?
Źrebię śpi pod jabłonią, a żółty parasol leży w błocie.
Děda opravuje střechu a kočka ho přísně pozoruje.
A szőlő már érik, de a hűtő még üres.
Șoferul și-a uitat cheile în mașină.
İstanbul'da ılık bir ilkbahar günü; Iğdır'da ise kar yağıyor.
DİYARBAKIR'DAN IĞDIR'A GİDEN OTOBÜS
Tôi muốn ăn phở ở một quán nhỏ gần nhà ga Hà Nội.
Người Việt thường uống cà phê sữa đá vào buổi sáng.
Моя бабушка печёт пирог с вишней каждое воскресенье.
Завтра обещают дождь и сильный ветер.
Україна їсть борщ із пампушками.
Ο Οδυσσέας γύρισε σπίτι· ΟΔΥΣΣΕΥΣ, Όλος ο κόσμος.
Πού είναι ο σταθμός;
אני אוהב לקרוא ספרים ליד הים.
القطة نائمة على الكرسي القديم.
مَرْحَبًا، كَيْفَ حَالُكَ؟
این کتاب را دیروز از کتابخانه گرفتم.
मुझे सुबह की चाय बहुत पसंद है।
বাংলা আমার মাতৃভাষা।
நான் நாளை சென்னைக்குப் போகிறேன்.
ฉันชอบกินข้าวผัดกับเพื่อน
今天的天气很好，我们去公园散步吧。
圖書館星期一不開門。
猫が窓辺で日向ぼっこをしている。
カタカナとひらがなと漢字を混ぜて書きます。
나는 어제 도서관에서 책을 세 권 빌렸다.
ქართული ანბანი ძალიან ლამაზია።
Mtoto anacheza mpira uwanjani.
Ẹ káàárọ̀, ṣé dáadáa ni?
Saya sedang menunggu bus di depan pasar.
""")

SYMBOLS = lines("""
🎉🎉🎉
Good morning ☕️🌤️ have a lovely day 😊
I ❤️ 🍕 but 🍕 does not ❤️ me
👩🏾‍🚀 to the 🌕 and back 🚀🚀🚀
¯\\_(ツ)_/¯
:-) ;-P <3 xD
3.14159265358979
1,000,000 > 999,999.99
2024-02-29T23:59:60Z
+44 20 7946 0958
192.168.0.1:8080/24
https://example.com/a/b?q=minilm&lang=en#results
Write to someone.special+tag@mail.example.org today!
C:\\Program Files\\App\\config.ini
E = mc², ∑ᵢ xᵢ² ≤ ∞, ∂f/∂x ≈ 0, α→β, √2 ∉ ℚ
½ cup sugar, ¼ tsp salt, 180 °C for 25′
€12.50 or £10.80 or ¥2,000 or ₹1,100 or ₿0.0002
Chapter Ⅳ, section §12(b), page № 7, † see note ‡
a@b #hashtag @mention $TICKER 100% ~approx ^caret &amp;
ACGTTGCAAGGCTTAACCGGT
♔♕♖♗♘♙ 1. e4 e5 2. Nf3 Nc6 3. Bb5
"Quoted," 'single', “curly”, «guillemets», „low“, 「corner」
""")

PARAGRAPHS = lines("""
Tides are long waves, raised by the pull of the moon and, to a lesser degree, the sun. As the earth turns beneath them, most coasts see two high waters a day. In a narrow bay the same wave can pile up to the height of a four-storey house, while in an enclosed sea it may be too small to notice at all.
To poach an egg, bring a wide pan of water to a bare simmer and add a splash of vinegar. Crack the egg into a cup first. Stir the water gently in one direction, slide the egg into the middle, and leave it alone for three minutes. Lift it out with a slotted spoon and let it drain on a cloth before you serve it on toast.
I stayed here for two nights in May. The room was small but spotless, the bed was excellent, and the staff went out of their way to find me an early breakfast before my train. The only drawback was the street noise: bring earplugs if you are a light sleeper. I would still come back without hesitation.
The company reported revenue of 418 million for the third quarter, up six percent on the year, but warned that weaker demand in the construction sector would weigh on the remaining months. Operating margin narrowed to 11.2 percent as freight costs rose. The board proposed an unchanged dividend and announced the closure of one of its four plants.
A hash table stores each key at a position computed from the key itself. When two keys want the same position, the table must either keep a small list there or look for the next free slot. Both work well while the table is mostly empty; both degrade as it fills, which is why implementations grow the array long before it is full.
Dear neighbours, on Saturday the 14th we will be celebrating our daughter's eighteenth birthday in the courtyard. There will be music until eleven at the latest. If it becomes too loud, please ring the bell rather than the police; better still, come down and have a slice of cake with us. Kind regards, the family on the second floor.
The heron stood in the shallows with the patience of a tax inspector. Twice a fish passed within reach and twice it did nothing. Then, without any visible decision, its neck was suddenly straight and there was a silver shape in its beak. It swallowed, shook its feathers into order, and went back to looking as though nothing had ever happened.
Before you start, disconnect the appliance from the mains. Remove the two screws at the back of the base plate and slide the cover towards you. The fuse sits beneath the transformer, in a white plastic holder. Replace it only with one of the same rating. If the new fuse blows immediately, do not try again; contact an authorised service centre.
Medieval builders had no theory of structures, yet their cathedrals have stood for eight centuries. They worked from proportions handed down by masters, from full-size drawings scratched into plaster floors, and from failures, which were public and memorable. A vault that fell taught the whole trade something that a vault that stood could not.
Migraine is more than a bad headache. Many people notice warning signs up to a day before: yawning, a stiff neck, a craving for sweet food. Some see zigzag lines that slowly drift across their vision. During the attack light and noise become hard to bear, and sleep is often the only relief. Keeping a diary helps to find the triggers.
In this paper we study the problem of ranking short texts by meaning when no labelled data is available. We propose a simple training objective that pulls together two views of the same passage and pushes apart views of different passages. On four tasks the method matches supervised baselines with a tenth of the parameters, and it fails in an instructive way on negation.
The rules are simple. Each player receives seven cards, and the rest form the stock. On your turn you may play any number of cards of one suit, as long as each is higher than the last. If you cannot play, you draw two. The first to empty their hand scores the sum of everyone else's cards; the game ends at one hundred points, or when tea is ready.
When my father retired he bought a broken clock every week from the flea market. He did not want clocks that worked. By the second winter there were thirty-one of them in the hall, all repaired, none agreeing with another by more than a few seconds or less than one, and at noon the house sounded like an argument among very polite people.
Soil is not dirt. A spoonful from a healthy meadow holds more living things than there are people on earth: bacteria, fungal threads, mites, worms too small to see. They break down what falls, hold water like a sponge, and trade minerals for sugar with the roots of plants. Ploughing cuts the threads, and they take years to grow back.
The defendant argues that the notice was never delivered. The record shows otherwise: it was sent by registered mail on 3 June, signed for on 5 June by a member of the household, and acknowledged in an e-mail of the following day. Under section 14 of the agreement that is sufficient. The appeal is therefore dismissed, with costs.
On the third day we left the marked trail and followed the river instead. It was slower, but there was shade, and every hour or so a pool deep enough to swim in. Toward evening the valley narrowed until the water filled it from wall to wall. We made camp on a gravel bank, ate cold beans, and watched bats stitch the strip of sky above us.
Neural networks that process text first break it into pieces from a fixed vocabulary, often parts of words. Each piece is looked up in a table of vectors, and the vectors are then mixed, layer by layer, so that each comes to reflect its surroundings. To describe a whole sentence by one vector, the simplest recipe is to average them all.
The striker has now gone nine matches without a goal, and the crowd lets him know it. What it does not see is the running: eleven kilometres a game, most of it away from the ball, pulling defenders out of the spaces his teammates score from. His manager sees it. So, to judge by this week's reported offer, does somebody else's.
Volunteers are needed for the spring clean of the canal on Sunday morning. Gloves, bags and waders will be provided; please wear old clothes and sturdy shoes. Children are welcome on the towpath if accompanied by an adult. Last year we pulled out fourteen bicycles, two safes (both empty) and a stuffed pike that now hangs in the pub.
Borrowing in this language has two rules. At any moment a value may have either one mutable reference or any number of shared ones, and no reference may outlive the value it points to. The compiler checks both. Programs that break them do not build, which is irritating for a month and then, gradually, a relief.
The first thing to know about the old harbour is that it was never a harbour. It was a quarry, flooded by accident in 1871 when a careless blast opened the wall to the sea. The company went bankrupt, the fishermen moved in, and a generation later nobody could be found who remembered it having been anything else.
Customer: I ordered the grey version and received the blue one. Agent: I am sorry about that. Would you like an exchange or a refund? Customer: An exchange, please, but I need it by Friday. Agent: I can send it by express today at no charge, and you can return the other one whenever it suits you. Customer: Perfect, thank you.
Economists distinguish between a tax that falls on everyone at the same rate and one whose rate rises with income. The first is simple and hard to avoid; the second asks more of those who can spare it. Most countries use some of each, and argue without end about the mixture, the exceptions, and the exceptions to the exceptions.
Lichens are partnerships. A fungus builds the house, and an alga or a bacterium living inside it makes the food. Together they grow where neither could alone: on bare rock, on roof tiles, on the backs of certain beetles. They grow very slowly, some by less than a millimetre a year, so their size can be used to date a landslide or a wall.
Das Museum liegt in einer ehemaligen Spinnerei am Rand der Altstadt. Im Erdgeschoss stehen noch zwei der Maschinen, und dienstags werden sie eingeschaltet. Der Lärm ist beträchtlich. Wer danach in den ersten Stock steigt, wo die Briefe der Arbeiterinnen ausgestellt sind, liest sie mit anderen Ohren. Der Eintritt ist für Schülerinnen und Schüler frei.
Ce matin, le marché était presque vide à cause de la pluie. J'ai acheté des poireaux, un demi-fromage et trois poires trop mûres que la marchande m'a finalement offertes. Sur le chemin du retour, le parapluie s'est retourné, un enfant a ri, et j'ai ri aussi. La soupe était bonne ; les poires ont fini en compote.
La biblioteca del pueblo abre solamente los jueves, cuando llega el autobús azul. Los niños esperan en la plaza desde las cuatro. Cada uno puede llevarse dos libros y debe devolverlos en quince días, pero el conductor nunca ha cobrado una multa. Dice que un libro que tarda en volver es un libro que alguien está leyendo.
昔、山の向こうに小さな村がありました。村の人々は毎朝、井戸の水をくみ、畑を耕し、夕方になると広場で歌を歌いました。ある日、旅人がやって来て、海の話をしました。誰も海を見たことがなかったので、皆はとても驚きました。
""")

UGLY = [
    "\x00",
    "\x00\x01\x02hidden\x03 between\x04 controls\x05",
    "tab\tseparated\tvalues\nnew line\r\nwindows line\x0bvertical\x0cform feed",
    "\n\n\n",
    " ",
    "  leading and trailing spaces   ",
    "non\u00a0breaking\u202fspaces\u2009thin\u3000wide\u1680ogham",
    "\u0301",
    "\u0301\u0302\u0303 marks with no letter",
    "z\u0335\u0321\u0353a\u0338\u0322\u0321l\u0337\u0308g\u0336\u0310o\u0334\u0301 text",
    "e\u0301 is \u00e9, n\u0303 is \u00f1, A\u030a is \u00c5 is \u212b",
    "\u200fright to left mark\u200e and back",
    "\u202eoverridden direction\u202c normal again \u2066isolated\u2069",
    "zero\u200bwidth\u200cnon\u200djoiner\u2060word\ufeffjoiner",
    "soft\u00adhy\u00adphen\u00adated",
    "\ufffd replacement \ufffd\ufffd characters",
    "private use \ue000\uf8ff and noncharacter \ufdd0 \uffff",
    "e\ufb03cient \ufb01sh \ufb02oat \ufb00 \ufb05 \u0133 \u01c6 ligatures",
    "\uff26\uff35\uff2c\uff2c \uff57\uff49\uff44\uff54\uff48 \uff11\uff12\uff13\uff01 \uff76\uff80\uff76\uff85",
    "\u1112\u1161\u11ab\u1100\u1173\u11af in conjoining jamo, \u314e\u314f\u3134 in compatibility jamo",
    "\u0130 \u0131 I i \u0130\u0130\u0130 I\u0307 i\u0307",
    "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3 \u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c2 \u03c3\u03c2",
    "\U0001d4d5\U0001d4ea\U0001d4f7\U0001d4ec\U0001d502 \U0001d544\U0001d552\U0001d565\U0001d559 letters",
    "\U00020000\U0002a6d6 rare ideographs \U0002f800",
    "e\U000e0067\U000e0062\U000e007f tag characters",
    "[CLS] literal [SEP] special [MASK] tokens [PAD] in [UNK] text",
    "[SEP]",
    "[MASK][MASK]",
    "the capital of France is [mask] , [ SEP ] [cls]",
    "!!!!!!!!!!!!????????.......,,,,,;;;;;",
    "- - - -- --- ---- ___ *** ### ~~~ === +++",
    "WHY IS EVERYBODY SHOUTING? I ASKED A SIMPLE QUESTION!!!",
    "sOmE pEoPlE wRiTe LiKe ThIs",
    "nospacesbetweenanyofthesewordsatallsothetokenizermustguess",
    "x" * 100,
    "x" * 101,
    "a" * 5000,
    "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "Taumatawhakatangihangakoauauotamateaturipukakapikimaungahoronukupokaiwhenuakitanatahu",
    "http://" + "very-long-subdomain." * 12 + "example",
    "\u3042" * 30,
    "\u0e01\u0e33\u0e01\u0e33\u0e01\u0e33 \u0e19\u0e49\u0e33",
    "\u4f60\u597dhello\u4e16\u754cworld mixed\u6587without\u7a7aspaces",
]

def overlong() -> list[str]:
    """Eight texts past 256 tokens: prose, a numbered list, many languages, code, one ideograph repeated."""
    dice = random.Random(1)
    joined = [" ".join(dice.sample(PARAGRAPHS, 5)) for _ in range(4)]
    listing = "\n".join(f"{n:>3}. {text}" for n, text in enumerate(QUESTIONS, start=1))
    return [*joined, listing, " ".join(LANGUAGES), "".join(CODE), "\u6c34" * 400]


def boundary() -> list[str]:
    """Texts of 253, 254 and 255 one-token words: 255, 256 and 257 with [CLS] and [SEP], of which 256 fit."""
    words = "one two three four five six seven eight nine ten".split()
    return [" ".join(words[i % 10] for i in range(length)) for length in (253, 254, 255)]


ALL = [
    *SENTENCES, *QUESTIONS, *HEADLINES, *PRODUCTS, *FRAGMENTS, *CODE, *LANGUAGES, *SYMBOLS, *PARAGRAPHS, *UGLY,
    *overlong(), *boundary(),
]
