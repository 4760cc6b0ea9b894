<?php
// Adds a contact with a tag to a contact book, looks it up again and prints its id.
//
// Reads CONTACTBOOK_URL, CONTACTBOOK_CLIENT_ID and CONTACTBOOK_CLIENT_SECRET.
// Needs PHP 7.4 or newer and Guzzle 7: composer require guzzlehttp/guzzle, or
// GUZZLE_AUTOLOAD with the path of an autoload.php that knows it.

declare(strict_types=1);

require getenv('GUZZLE_AUTOLOAD') ?: __DIR__ . '/vendor/autoload.php';

function env(string $name): string
{
    return getenv($name) ?: exit_with("set $name");
}

function exit_with(string $message): string
{
    fwrite(STDERR, $message . "\n");
    exit(1);
}

$client = new GuzzleHttp\Client([
    'base_uri' => rtrim(env('CONTACTBOOK_URL'), '/') . '/',
    'timeout' => 30,
    'allow_redirects' => false,
    'headers' => [
        'X-Ipay-Auth-Code' => '1',
        'X-Ipay-Client-Id' => env('CONTACTBOOK_CLIENT_ID'),
        'X-Ipay-Client-Secret' => env('CONTACTBOOK_CLIENT_SECRET'),
        'X-Ipay-Endpoint-Ip' => '203.0.113.7', // your end customer's address
    ],
]);

$call = function (string $method, string $path, ?array $fields = null) use ($client) {
    // A GET may have a body, too.
    $response = $client->request($method, $path, $fields === null ? [] : ['json' => $fields]);
    $reply = json_decode((string) $response->getBody(), true);
    if (!isset($reply['statuscode'])) {
        exit_with('not a reply of the API: HTTP ' . $response->getStatusCode());
    }
    if ($reply['statuscode'] !== 'TXN') { // refusals have HTTP status 200 too
        exit_with("{$reply['statuscode']} {$reply['status']} ({$reply['ipay_uuid']})");
    }
    return $reply['data'];
};

// A tag's name is unique: take the one that is there, or add it.
$tags = array_column($call('GET', 'contacts/tag'), '_id', 'name');
$tagId = $tags['Employee']
    ?? $call('POST', 'contacts/tag', ['name' => 'Employee', 'hexColorCode' => '#FF1934'])['_id'];

$contact = $call('POST', 'contacts/profile', [
    'name' => 'Sample Name',
    'email' => 'sample@example.com',
    'mobile' => '7428585742',
    'companyName' => 'Business Name',
    'tagDetails' => [['tagId' => $tagId]],
]);

$listed = $call('GET', 'contacts/profile', ['contactId' => $contact['_id']]);
if (!in_array($contact['_id'], array_column($listed, '_id'), true)) {
    exit_with('the contact is not listed');
}
echo $contact['_id'], "\n";
