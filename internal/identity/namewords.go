package identity

import "strings"

// The words that names share. All are in lower case, and written together.

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// canonical turns lines of spellings into spelling -> the first of its line.
func canonical(lines string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(lines) {
		all := strings.Fields(line)
		for _, w := range all {
			m[w] = all[0]
		}
	}
	return m
}

// courtesy are titles: no part of a name, before or after it.
var courtesy = words(`mr mrs ms miss master mister shri sri shree sree shrimati shreemati srimati smt sow kum kumari sushri
	dr doctor prof professor er engr adv advocate ca cs col colonel maj major capt captain lt gen brig hon honble sh
	pandit pt swami late thiru thirumathi tmt selvi janab haji hajji hafiz maulana sardar sardarni s ji jee garu saheb sahab esq jr m/s messrs fr rev sr`)

// joinedTitles may stand before a name without a blank.
var joinedTitles = []string{"shri", "smt", "mrs", "mr"}

// fillers are shared by so many that they tell nobody apart.
var fillers = words(`kumar devi bai begum bibi kumari rani lal muhammad singh kaur ram rama bano khatun bhai ben chand chandra
	prasad nath bala sinh amma rao shaikh saiyad sri venkata bahadur swaroop dei bi bee beevi`)

// women and men are fillers that tell a woman from a man.
var women = words("devi bai begum bibi kumari rani kaur bano khatun ben bala amma dei bi bee beevi lata")
var men = words("kumar lal singh ram bhai chand chandra prasad das nath sinh bahadur rao muhammad")

// noise is what banks add: kinds of account, places of a form.
var noise = words(`sb ac account acc a/c savings saving current salary od cc nre nro cash jt joint either survivor e s eors or
	minor holder customer name test unknown na nil none null self nominee beneficiary`)

// spellings are the words whose customary spellings no rule of sound joins.
var spellings = canonical(`muhammad mohammed mohammad mohamed mohamad mohammod muhammed mohd mohmd moh md mohamud mohammadh muhamad
	chaudhari chaudhary chaudhury chowdhury choudhury chowdhary choudhary chaudhri choudhari chaudhuri chowdary choudary chowdhuri
	mukharji mukherjee mukherji mukerjee mookerjee mukharjee mookherjee
	banarji banerjee banerji bannerjee banerjea
	chatarji chatterjee chatterji chaterjee
	iyer iyer aiyar ayyar aiyer iyyer
	iyengar aiyangar ayyangar iyyengar ayengar
	nayar nair nayar naiyar
	naidu naidu nayudu naydu nayadu
	ghos ghosh ghose
	yusuf yousuf yusuf yousaf yusaf youssef yoosuf
	abdul abdul abdur abdus abdud abdool abd
	shaikh sheikh shaikh shaik sheik sk shekh
	saiyad syed sayed saiyed sayyad sayyid saiyad sayeed
	begum begum begam
	kumar kumar kr kumaar
	kumari kumari kmr
	chandra chandra ch
	rahman rahman rehman rahaman rehaman
	ahmad ahmed ahmad ahamed ahammed ahamad
	husain hussain husain hossain hussein hosen hussen
	siddiki siddiqui siddiqi siddique siddiquee siddiki
	khatun khatun khatoon khatoon
	bibi bibi bivi beebi
	gauda gowda gouda goud gowd gauda
	reddi reddy reddi
	agarval agarwal aggarwal agrawal agarwala agarval
	srivastav srivastava shrivastava shrivastav srivastav
	lakshmi lakshmi laxmi lakshmy lakshmee luxmi
	meenaksi meenakshi minakshi meenatchi meenaxi
	mahamaya mahamaya
	roi roy ray
	dat dutt dutta datta dutt
	rao rao rau raw row ravu
	bhat bhatt bhat bhatta
	gupta gupta gupt guptha
	patel patel
	patil patil
	singh singh sing singha sinh
	joseph joseph
	souza souza sousa
	dsouza dsouza dsouza dsousa
	fernandes fernandes fernandez
	shaila shaila shyla shaila shyala
	viswanathan viswanathan vishwanathan
	vaishnav vaishnav
	naik naik nayak naick
	pillai pillai pillay
	mudaliar mudaliar mudaliyar
	gounder gounder goundar gownder
	nadar nadar
	iqbal iqbal ikbal eqbal
	zakir zakir jakir
	aziz aziz ajij azeez
	aisa aisha ayesha aysha aayesha
	fatima fatima fathima fatema fatimah
	hazra hazra
	isvar ishwar eshwar iswar eswar
	vishnu vishnu bishnu
	krishna krishna krisna
	tevari tewari tiwari tivari
	dvivedi dwivedi dvivedi
	upadhyay upadhyay upadhyaya upadhyaya
	baruah baruah barua borua
	bora bora borah
	sharma sharma sarma
	verma verma varma
	varghese varghese verghese
	kurian kurian kuriyan kurien
	thomas thomas tomas
	george george
	rodrigues rodrigues rodriguez rodricks
	dcosta dcosta dacosta
	xavier xavier savier
	menon menon
	ali ali aly
	usman usman osman usmaan
	umar umar omar
	ibrahim ibrahim ebrahim
	ismail ismail esmail ismayil
	salauddin salauddin salahuddin
	noor noor nur
	jahan jahan jehan
	kanwar kanwar kunwar
	chauhan chauhan chouhan chavan
	jadhav jadhav jadav
	pawar pawar powar
	kulkarni kulkarni
	brothers brothers bros
`)

// twins are two names of one family, as families do not exchange them, or the
// forms of two regions: likely one person, and no more.
var twins = canonical(`mukharji mukherjee mukherji mukerjee mookerjee mukhopadhyay mukhopadhyaya mukhopadhay
	banarji banerjee banerji bannerjee bandyopadhyay bandopadhyay bandyopadhyaya
	chatarji chatterjee chatterji chattopadhyay chattopadhyaya
	ganguly ganguly ganguli gangopadhyay
	bhattacharya bhattacharya bhattacharjee bhattacharyya
	gyanesvar gyaneshwar dnyaneshwar dnyaneshvar jnaneshwar gyanesvar
	yagya yagya yajna
	krishna krishna kishan kisan
	lakshman lakshman lachhman laxman
	vijay vijay bijoy bijay vijoy
	ajay ajay ajoy
	sanjay sanjay sanjoy
	abhay abhay abhoy
	jay jay joy
	tanmay tanmay tanmoy
`)

// fathersNames are given to people and taken from fathers alike, so two of them
// exchanged may be son and father.
var fathersNames = words(`thomas chacko varghese kurian mathew george joseph john abraham philip jacob paul simon peter
	antony anthony francis jose mathai cherian ninan oommen eapen kuruvilla alexander samuel daniel david james koshy punnoose itty`)

// kin lead from the holder's name to somebody else's.
var kin = map[string]string{
	"s/o": "father", "so": "father", "d/o": "father", "do": "father", "w/o": "husband", "wo": "husband", "h/o": "wife",
	"c/o": "care", "co": "care", "u/g": "guardian", "ug": "guardian", "guardian": "guardian", "f/o": "child", "m/o": "child",
	"nee": "born", "née": "born", "alias": "alias", "@": "alias", "prop": "owner", "proprietor": "owner", "proprietrix": "owner",
}

// respect are endings that may be added to a name.
var respect = []string{"bhai", "ben", "rao", "behn", "bahen"}

// legal are words of a legal form, of which the first of its line stands for all.
var legal = canonical(`private private pvt pvte
	limited limited ltd
	llp llp
	opc opc
	huf huf
	trust trust
	society society`)

// trade tells a firm from a person. Each line is one word as it may be written.
var trade = canonical(`company company co coy
	brother brothers brother bros
	enterprise enterprises enterprise ent entp enterprizes
	industry industries industry ind inds
	trader traders trader
	trading trading trdg
	technology technologies technology tech technologys
	service services service svc svcs serv
	store stores store
	construction constructions construction const constn
	engineering engineering engg engrg
	fabricator fabricators fabricator
	manufacturing manufacturing mfg
	corporation corporation corp corpn
	association association assn assoc
	associate associates associate
	international international intl
	export exports export
	import imports import
	product products product
	agency agencies agency
	pharma pharma
	pharmaceutical pharmaceuticals pharmaceutical
	medical medicals medical
	medicine medicines medicine
	hospital hospitals hospital
	school school
	college college
	hotel hotels hotel
	restaurant restaurant
	sweet sweets sweet
	snack snacks snack
	steel steels steel
	textile textiles textile
	silk silks silk
	mill mills mill
	cotton cotton
	chemical chemicals chemical
	polymer polymers polymer
	plastic plastics plastic
	packer packers packer
	mover movers mover
	transport transport transports transporters
	logistic logistics logistic
	finance finance fin
	fund fund
	bank bank
	food foods food
	agro agro
	infotech infotech
	software software
	solution solutions solution
	system systems system
	consultant consultants consultant consultancy
	electrical electricals electrical
	electronic electronics electronic
	hardware hardware
	motor motors motor
	auto auto automobile automobiles
	jeweller jewellers jewellery jewelers jeweller jewels
	garment garments garment
	kirana kirana
	mart mart
	emporium emporium
	bazaar bazaar bazar
	work works work
	group group
	venture ventures venture
	infra infra infrastructure
	builder builders builder
	developer developers developer
	properties properties property
	farm farms farm
	dairy dairy
	bakery bakery
	studio studio studios
	media media
	paper papers paper
	printer printers printing press
	tool tools tool
	machine machines machinery machine
	cement cements cement
	marble marbles marble
	granite granites granite
	timber timbers timber
	furniture furniture furnitures
	sons sons`)

// filling says nothing of whose firm it is.
var filling = words("the and of m/s for & india indian")

// places and new: two firms may differ by them and nothing else.
var places = words(`india mumbai delhi bombay madras chennai kolkata calcutta pune surat jaipur hyderabad bangalore bengaluru
	ahmedabad lucknow kanpur nagpur indore bhopal patna kochi new old north south east west gujarat punjab kerala`)

// commonNames are names that one letter may part from another: where both sides
// have one of these, the letter is no typing error.
var commonNames = words(`anita amita sunita sunil sushil suneel anil amit sumit rohit mohit lalit mahesh mukesh ramesh rakesh suresh
	naresh dinesh ganesh rajesh umesh upendra mangesh jignesh ritesh nitesh hitesh harish girish satish jagdish manish ashish
	reena meena neena veena leena seema reema hema uma usha asha nisha isha jain jani kamal kamla vimal vimla nirmal nirmala
	hari hira heera rana rane rao patel patil joshi doshi mathur mathew nadeem naeem arif asif tariq sharif shaji shiju raju raja
	rajan rajani ravi rani raman ramana mohan sohan rohan kishan kisan vikas vilas kailash vinod vinay vijay ajay sanjay sanjana
	sapna swapna geeta gita sita rita mita nita lata rekha lekha shikha sharad sharda deepa deepak dipti deepti karan kiran
	naveen praveen parveen pravin navin amir amina nasreen yasmin rizwan faizan imran irfan farhan sultan salim saleem karim
	rahim kareem raheem nazim nasir nazir bashir bhaskar balwinder kulwinder sukhwinder gurmeet harmeet manmeet gurpreet harpreet
	manpreet jaspreet tushar tapan tapas swapan sapan mousumi moumita sougata anirban anindya rina mina bina pooja puja murugan
	murugesan selvam selvan kalyan kalyani jayanthi jayanti alka alok ashok arun tarun varun karun saini sahni sethi seth
	khanna khurana chopra chawla thakur thakkar nagar nagpal kale kela gill sandhu sidhu bose bora das dass dey de`)

// surnames are frequent ones, which alone tell little of who is paid.
var surnames = words(`sharma verma gupta agarval joshi kulkarni deshmukh patel patil shah mehta desai reddi naidu rao nayar menon pillai iyer iyengar
	mukharji banarji chatarji ghos bose sen das roi saha pal dutt singh kaur gill sandhu sidhu dhillon grewal brar khan shaikh ansari kureshi siddiki pathan
	yadav maurya mishra pandey tiwari tevari dubey shukla trivedi dwivedi dvivedi chaturvedi srivastav sinha jha thakur chauhan rathore solanki parmar jadeja
	kapoor khanna chopra malhotra mehra bhatia arora sethi kohli bhasin jain goyal mittal bansal garg singhal goel fernandes dsouza pereira pinto rodrigues menezes
	kale pawar jadhav shinde gaikwad more kamble bhosale chavan mane gauda shetty hegde bhat naik kamath pai kachhadia syiem sangma nambiar panicker kurup sagar
	saxena mathur kaushik rastogi nigam bhatnagar luthra kothari modi bedi sanghvi thakkar nagar sehgal`)

// isSurname tells a frequent surname.
func isSurname(w string) bool { return surnames[w] || surnames[spelled(w)] }

// isGiven tells a word that a southern name has beside its father's initial.
func isGiven(w string) bool {
	if isSurname(w) {
		return false
	}
	for _, end := range []string{"an", "am", "amma", "anthi", "aani", "ani", "appa", "swamy", "samy", "raj", "esh", "selvi", "vathi", "valli", "mma", "raju", "vel", "ya", "avi"} {
		if strings.HasSuffix(w, end) {
			return true
		}
	}
	return false
}

// doubles are surnames of two words.
var doubles = map[string]bool{
	"roi chaudhari": true, "sen gupta": true, "das gupta": true, "dat gupta": true, "ghos dastidar": true,
	"dat chaudhari": true, "basu mallick": true, "ghos hazra": true, "deb roi": true, "deb barma": true, "paul chaudhari": true,
}
